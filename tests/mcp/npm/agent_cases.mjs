// What agents do through an MCP client, run with each client there is (clients.mjs).
//
// One broker and two agents for all cases of a client, each case in streams of its own; a case that
// needs a broker to be absent or to die has a host of its own. At the end every message that any of
// the shims has sent is judged.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Host, until, within } from './harness.mjs';
import { kModern, kNewestLegacy } from './schema.mjs';

const kNeverMs = 50_000;  // a wait that only something else ends

function content(result) {
  assert.ok(!result.isError, result.content[0].text);
  return result.structuredContent;
}

function refusal(result) {
  assert.equal(result.isError, true, JSON.stringify(result));
  return result.content[0].text;
}

async function withHost(run, options) {
  const host = new Host();
  try {
    await run(host);
    await host.assertAllWasRight(options);
  } finally {
    await host.dispose();
  }
}

export function describeAgents(kind) {
  describe(kind.name, () => {
    const host = new Host();
    let anna;
    let ben;

    before(async () => {
      await host.startBroker();
      anna = await kind.connect(host, 'anna');
      ben = await kind.connect(host, 'ben');
      await anna.client.listTools();
      await ben.client.listTools();
    });

    after(async () => {
      await anna?.close();
      await ben?.close();
      try {
        await host.stopBroker();
        await host.assertAllWasRight();
      } finally {
        await host.dispose();
      }
    });

    const append = async (agent, args) => content(await agent.call('append', args));
    const read = async (agent, args) => content(await agent.call('read', args));

    test('ConnectsWithTheRevisionThatTheClientWants', () => {
      assert.equal(anna.version(), kind.modern ? kModern : kNewestLegacy);
      assert.equal(anna.client.getServerVersion().name, 'roost');
      assert.match(anna.client.getInstructions(), /inbox/);
    });

    test('ListsItsTools', async () => {
      const { tools } = await anna.client.listTools();
      const names = tools.map((tool) => tool.name);
      assert.deepEqual(names, [
        'append', 'read', 'wait', 'claim', 'release', 'take', 'settle', 'validate', 'decide', 'status',
      ]);
      const hints = Object.fromEntries(tools.map((tool) => [tool.name, tool.annotations?.readOnlyHint ?? false]));
      assert.deepEqual([hints.append, hints.read, hints.wait, hints.status], [false, true, true, true]);
    });

    test('AppendsAndReadsWhatAnotherAgentAppended', async () => {
      const data = { title: 'count the eggs', nested: [1, { deep: null }], umlaut: 'Küken' };
      const appended = await append(anna, {
        stream: 'tasks/1', type: 'task.created', data, correlation_id: 'c-1', causation_id: 'k-1',
      });
      assert.equal(appended.appended, true);
      assert.equal(appended.revision, 1);
      assert.equal(appended.count, 1);
      assert.equal(appended.first, appended.sequence);
      assert.equal(appended.duplicate, false);
      assert.equal(appended.durability, 'process');
      assert.ok(appended.head >= appended.sequence);

      const page = await read(ben, { stream: 'tasks/1' });
      assert.equal(page.events.length, 1);
      const [event] = page.events;
      assert.equal(event.sequence, appended.sequence);
      assert.equal(event.stream, 'tasks/1');
      assert.equal(event.revision, 1);
      assert.equal(event.type, 'task.created');
      assert.equal(event.agent, 'anna');
      assert.equal(event.uid, process.getuid());
      assert.equal(event.correlation_id, 'c-1');
      assert.equal(event.causation_id, 'k-1');
      assert.match(event.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
      assert.deepEqual(event.data, data);
      assert.equal(page.more, false);
      assert.ok(page.next >= event.sequence);
    });

    test('ReadsPagesForwardsAndBackwardsAndByType', async () => {
      const events = Array.from({ length: 7 }, (_, i) => ({ stream: 'pages', type: i % 2 ? 'odd' : 'even', data: i }));
      await append(anna, { events });
      const seen = [];
      let after = 0;
      for (let more = true; more; ) {
        const page = await read(ben, { stream: 'pages', limit: 3, after });
        seen.push(...page.events.map((event) => event.data));
        after = page.next;
        more = page.more;
      }
      assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6]);
      const newest = await read(ben, { stream: 'pages', limit: 2, order: 'newest' });
      assert.deepEqual(newest.events.map((event) => event.data), [6, 5]);
      const odd = await read(ben, { stream: 'pages', types: ['odd'] });
      assert.deepEqual(odd.events.map((event) => event.data), [1, 3, 5]);
      const prefix = await read(ben, { stream: 'page*', agent: 'anna', since: '10m' });
      assert.equal(prefix.events.length, 7);
      const nobody = await read(ben, { stream: 'pages', agent: 'nobody' });
      assert.deepEqual(nobody.events, []);
    });

    test('TellsAConflictWithTheLastEvent', async () => {
      await append(anna, { stream: 'claims/a', type: 'claimed', data: { by: 'anna' }, expect: 0 });
      const answer = await append(ben, { stream: 'claims/a', type: 'claimed', data: { by: 'ben' }, expect: 0 });
      assert.equal(answer.appended, false);
      assert.equal(answer.conflict.stream, 'claims/a');
      assert.equal(answer.conflict.expect, 0);
      assert.equal(answer.conflict.revision, 1);
      assert.equal(answer.conflict.last.agent, 'anna');
      assert.deepEqual(answer.conflict.last.data, { by: 'anna' });
      assert.equal((await read(ben, { stream: 'claims/a' })).events.length, 1);
    });

    test('AnswersTheSameIdWithTheFirstAnswer', async () => {
      const event = { stream: 'once', type: 'done', data: { n: 1 }, id: 'job-1' };
      const first = await append(anna, event);
      const again = await append(ben, event);
      assert.equal(first.duplicate, false);
      assert.equal(again.duplicate, true);
      assert.equal(again.sequence, first.sequence);
      assert.match(refusal(await anna.call('append', { ...event, data: { n: 2 } })), /id/);
      assert.equal((await read(anna, { stream: 'once' })).events.length, 1);
    });

    test('AppendsABatchWholeOrNotAtAll', async () => {
      await append(anna, { stream: 'batch/gate', type: 'opened' });
      const batch = (expect) => ({
        events: [{ stream: 'batch/a', type: 'x', data: 1 }, { stream: 'batch/b', type: 'y', data: 2 }],
        conditions: [{ stream: 'batch/gate', expect }],
        id: `batch-${expect}`,
      });
      const refused = await append(anna, batch(0));
      assert.equal(refused.appended, false);
      assert.equal(refused.conflict.stream, 'batch/gate');
      assert.equal(refused.conflict.revision, 1);
      assert.deepEqual((await read(anna, { stream: 'batch/a' })).events, []);
      const appended = await append(anna, batch(1));
      assert.equal(appended.count, 2);
      assert.equal(appended.sequence, appended.first + 1);
      const page = await read(ben, { stream: 'batch/*', types: ['x', 'y'] });
      assert.deepEqual(page.events.map((event) => [event.stream, event.data]), [['batch/a', 1], ['batch/b', 2]]);
      assert.equal((await append(anna, batch(1))).duplicate, true);
    });

    test('RefusesWrongArgumentsWithASentence', async () => {
      const wrong = [
        ['append', {}],
        ['append', { stream: 'x' }],
        ['append', { stream: 'x', type: 'y', expect: -1 }],
        ['append', { stream: 'x', type: 'y', expect: 'three' }],
        ['append', { stream: '', type: 'y' }],
        ['append', { stream: '$agents', type: 'y' }],
        ['append', { stream: 'x'.repeat(256), type: 'y' }],
        ['append', { stream: 'x\u0007', type: 'y' }],
        ['append', { stream: 'x', type: 't'.repeat(129) }],
        ['append', { events: [] }],
        ['append', { events: [{ stream: 'x' }] }],
        ['append', { events: [{ stream: 'x', type: 'y' }], stream: 'x', type: 'y' }],
        ['read', { limit: 0 }],
        ['read', { limit: 501 }],
        ['read', { order: 'sideways' }],
        ['read', { since: 'yesterday' }],
        ['read', { stream: 7 }],
        ['read', { types: 'odd' }],
        ['wait', { timeout_ms: 50_001 }],
        ['status', { what: 'weather' }],
      ];
      for (const [tool, args] of wrong) {
        const sentence = refusal(await anna.call(tool, args));
        assert.ok(sentence.length > 10, `${tool} ${JSON.stringify(args)}: ${sentence}`);
      }
      assert.deepEqual((await read(anna, { stream: 'x' })).events, []);
    });

    test('RefusesAToolThatDoesNotExist', async () => {
      await assert.rejects(Promise.resolve(anna.client.callTool({ name: 'fly', arguments: {} })), { code: -32602 });
    });

    test('WaitsForWhatAnotherAgentAppends', async () => {
      const waiting = anna.call('wait', { stream: 'news', timeout_ms: kNeverMs });
      await append(anna, { stream: 'other', type: 'x' });  // goes on while the wait is under way
      const appended = await append(ben, { stream: 'news', type: 'hello', data: { from: 'ben' } });
      const page = content(await waiting);
      assert.deepEqual(page.events.map((event) => event.sequence), [appended.sequence]);
      assert.equal(page.events[0].agent, 'ben');
    });

    test('FindsWhatWasThereBeforeItWaited', async () => {
      const { head } = await append(ben, { stream: 'early', type: 'first' });
      const { sequence } = await append(ben, { stream: 'early', type: 'second' });
      const page = content(await anna.call('wait', { stream: 'early', after: head, timeout_ms: kNeverMs }));
      assert.deepEqual(page.events.map((event) => event.sequence), [sequence]);
    });

    test('TimesOutWithoutEvents', async () => {
      const page = content(await anna.call('wait', { stream: 'silence', timeout_ms: 50 }));
      assert.deepEqual(page.events, []);
      assert.ok(page.next <= page.head);
    });

    test('GoesOnAfterTheClientHasTimedOut', async () => {
      await assert.rejects(anna.call('wait', { stream: 'given-up', timeout_ms: kNeverMs }, { timeout: 300 }));
      content(await anna.call('status', {}));  // so the cancellation has arrived
      await append(ben, { stream: 'given-up', type: 'too-late' });
      assert.equal((await read(anna, { stream: 'given-up' })).events.length, 1);
    });

    test('SaysNothingMoreOfACancelledCall', async () => {
      const controller = new AbortController();
      const waiting = anna.call('wait', { stream: 'aborted', timeout_ms: kNeverMs }, { signal: controller.signal });
      content(await anna.call('status', {}));  // so the wait has arrived
      controller.abort('not needed any more');
      await assert.rejects(waiting);
      content(await anna.call('status', {}));
      await append(ben, { stream: 'aborted', type: 'too-late' });
      assert.equal((await read(anna, { stream: 'aborted' })).events.length, 1);
      const cancelled = host.conversations().flatMap(({ conversation }) => conversation.cancelled);
      const answered = host.conversations().flatMap(({ conversation }) => conversation.answeredAfterCancel);
      assert.ok(cancelled.some(({ message }) => message.params.arguments?.stream === 'aborted'));
      assert.deepEqual(answered, []);
    });

    test('TellsItsStatus', async () => {
      const status = content(await anna.call('status', {}));
      assert.equal(status.socket, host.socket);
      assert.equal(status.durability, 'process');
      assert.match(status.log_id, /^[0-9a-f]{32}$/);
      assert.ok(status.head > 0);
      assert.equal(status.agent, 'anna');
      const agents = JSON.stringify(content(await anna.call('status', { what: 'agents' })));
      assert.match(agents, /"anna"/);
      assert.match(agents, /"ben"/);
      await append(anna, { stream: 'listed/one', type: 'x' });
      const streams = JSON.stringify(content(await anna.call('status', { what: 'streams', prefix: 'listed/' })));
      assert.match(streams, /"listed\/one"/);
      assert.doesNotMatch(streams, /"other"/);
    });

    test('ServesEachResourceAndTemplate', async () => {
      const { sequence } = await append(anna, { stream: 'shelf/top', type: 'put', data: { egg: 1 } });
      const resourceText = async (uri) => {
        const { contents } = await anna.client.readResource({ uri });
        assert.equal(contents.length, 1);
        assert.equal(contents[0].uri, uri);
        assert.equal(contents[0].mimeType, 'application/json');
        JSON.parse(contents[0].text);
        return contents[0].text;
      };
      const { resources } = await anna.client.listResources();
      const uris = resources.map((resource) => resource.uri);
      for (const uri of ['roost://streams', 'roost://status']) assert.ok(uris.includes(uri), uri);
      for (const uri of uris) await resourceText(uri);
      const { resourceTemplates } = await anna.client.listResourceTemplates();
      assert.deepEqual(
        resourceTemplates.map((template) => template.uriTemplate).sort(),
        ['roost://event/{sequence}', 'roost://stream/{+name}']);
      assert.match(await resourceText('roost://streams'), /"shelf\/top"/);
      assert.match(await resourceText('roost://stream/shelf/top'), /"egg"/);
      assert.match(await resourceText('roost://stream/shelf%2Ftop'), /"egg"/);
      const event = JSON.parse(await resourceText(`roost://event/${sequence}`));
      assert.deepEqual([event.sequence, event.stream, event.data], [sequence, 'shelf/top', { egg: 1 }]);
    });

    test('SaysThatThereIsNoSuchResource', async () => {
      for (const uri of ['roost://event/999999999', 'roost://stream/never-written', 'roost://moon', 'file:///etc/passwd']) {
        await assert.rejects(anna.client.readResource({ uri }), { code: kind.notFound }, uri);
      }
    });

    test('CompletesNamesOfStreams', async () => {
      await append(anna, { events: [{ stream: 'complete/b', type: 'x' }, { stream: 'complete/a', type: 'x' }] });
      const { completion } = await anna.client.complete({
        ref: { type: 'ref/resource', uri: 'roost://stream/{+name}' },
        argument: { name: 'name', value: 'complete/' },
      });
      assert.deepEqual([...completion.values].sort(), ['complete/a', 'complete/b']);
    });

    test('NotifiesSubscribersUntilTheyUnsubscribe', async () => {
      const uri = 'roost://stream/watched/nest';  // need not exist yet
      let updates = 0;
      const unsubscribe = await anna.subscribe(uri, () => { ++updates; });
      await append(ben, { stream: 'watched/other', type: 'x' });
      await append(ben, { stream: 'watched/nest', type: 'laid' });
      await until('the first update', () => updates > 0);
      const seen = updates;
      await append(ben, { stream: 'watched/nest', type: 'laid' });
      await until('the second update', () => updates > seen);
      await unsubscribe();
      content(await anna.call('status', {}));  // what came before is here by now
      const last = updates;
      await append(ben, { stream: 'watched/nest', type: 'laid' });
      content(await anna.call('wait', { stream: 'silence', timeout_ms: 300 }));  // updates may be held back a while
      assert.equal(updates, last);
    });

    test('RunsManyCallsAtOnce', async () => {
      const calls = Array.from({ length: 50 }, (_, i) =>
        append(i % 2 ? anna : ben, { stream: 'crowd', type: 'x', data: i }));
      const revisions = (await Promise.all(calls)).map((answer) => answer.revision);
      assert.deepEqual(revisions.sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i + 1));
    });

    test('EndsByItselfWhenTheClientCloses', async () => {
      await withHost(async (own) => {
        await own.startBroker();
        const agent = await kind.connect(own, 'short');
        content(await agent.call('status', {}));
        const waiting = agent.call('wait', { stream: 'x', timeout_ms: kNeverMs }).catch(() => 'closed');
        content(await agent.call('status', {}));
        await agent.close();
        assert.equal(await within('the waiting call', waiting), 'closed');
      }, { mayDrop: true });
    });

    test('SaysHowToStartABrokerAndFindsItLater', async () => {
      await withHost(async (own) => {
        const agent = await kind.connect(own, 'early-bird');
        await agent.client.listTools();
        for (const [tool, args] of [['append', { stream: 'a', type: 'b' }], ['read', {}], ['wait', { timeout_ms: 50 }]]) {
          assert.match(refusal(await agent.call(tool, args)), /roostd/);
        }
        await agent.call('status', {});
        await assert.rejects(agent.client.readResource({ uri: 'roost://streams' }));
        await agent.client.listResources();
        await own.startBroker();
        assert.equal((await append(agent, { stream: 'a', type: 'b' })).appended, true);
        await agent.close();
      });
    });

    test('GoesOnWhenTheBrokerIsKilledAndStartedAgain', async () => {
      await withHost(async (own) => {
        await own.startBroker();
        const agent = await kind.connect(own, 'patient');
        const other = await kind.connect(own, 'other');
        await append(agent, { stream: 'a', type: 'before', data: 1 });
        const waiting = agent.call('wait', { stream: 'b', timeout_ms: kNeverMs });
        await agent.call('status', {});
        await own.killBroker();
        assert.equal((await read(agent, { stream: 'a' })).events.length, 1);  // what is mapped stays readable
        await own.startBroker();
        assert.equal((await append(agent, { stream: 'a', type: 'after', data: 2, expect: 1 })).revision, 2);
        assert.deepEqual((await read(agent, { stream: 'a' })).events.map((event) => event.data), [1, 2]);
        await append(other, { stream: 'b', type: 'x' });
        assert.equal(content(await waiting).events.length, 1);
        await agent.close();
        await other.close();
      });
    });
  });
}
