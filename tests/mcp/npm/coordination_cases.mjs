// What agents do together through an MCP client: claim, share a stream's events, share verdicts. Run with
// each client there is (clients.mjs); several agents at once on one broker.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Host, until } from './harness.mjs';

const kPatientMs = 50_000;  // a wait that only something else ends
const kNames = ['anna', 'ben', 'cleo', 'dana'];

function content(result) {
  assert.ok(!result.isError, result.content[0].text);
  return result.structuredContent;
}

function refusal(result) {
  assert.equal(result.isError, true, JSON.stringify(result));
  return result.content[0].text;
}

const numbers = (count, from = 0) => Array.from({ length: count }, (_, i) => from + i);

export function describeCoordination(kind) {
  describe(`${kind.name}, several agents`, () => {
    const host = new Host();
    let agents = [];

    before(async () => {
      await host.startBroker();
      agents = await Promise.all(kNames.map((name) => kind.connect(host, name)));
    });

    after(async () => {
      for (const agent of agents) await agent.close();
      try {
        await host.stopBroker();
        await host.assertAllWasRight();
      } finally {
        await host.dispose();
      }
    });

    const call = async (agent, tool, args) => content(await agent.call(tool, args));
    const types = async (stream, type) =>
      (await call(agents[0], 'read', { stream, types: [type], limit: 500 })).events;
    // Whatever the agent asked for before has come to the broker.
    const reachBroker = (agent) => call(agent, 'status', { what: 'claims' });
    // A visitor who leaves again.
    const visit = async (name, run) => {
      const agent = await kind.connect(host, name);
      try {
        return await run(agent);
      } finally {
        await agent.close();
      }
    };

    // ---- claims ----

    test('ExactlyOneGetsAClaim', async () => {
      for (const round of numbers(5)) {
        const key = `task/${round}`;
        const answers = await Promise.all(agents.map((agent) => call(agent, 'claim', { keys: [key] })));
        const granted = answers.filter((answer) => answer.granted);
        assert.equal(granted.length, 1);
        const holder = kNames[answers.findIndex((answer) => answer.granted)];
        for (const answer of answers.filter((each) => !each.granted)) {
          assert.equal(answer.held[0].key, key);
          assert.equal(answer.held[0].by, holder);
          assert.ok(answer.held[0].expires_in_ms <= 60_000);
          assert.match(answer.hint, /wait_ms/);
        }
      }
    });

    test('AClaimIsAllOfItsKeysOrNone', async () => {
      const [anna, ben] = agents;
      const { token } = await call(anna, 'claim', { keys: ['all/b'] });
      const refused = await call(ben, 'claim', { keys: ['all/a', 'all/b', 'all/c'] });
      assert.equal(refused.granted, false);
      assert.deepEqual(refused.held.map((held) => held.key), ['all/b']);
      assert.equal((await call(anna, 'claim', { keys: ['all/a', 'all/c'] })).granted, true);
      assert.equal((await call(anna, 'release', { token })).released, true);
      assert.equal((await call(anna, 'release', { token })).released, false);
      assert.equal((await call(ben, 'release', { token })).released, false);
    });

    test('OverlappingGlobsExcludeEachOther', async () => {
      const [anna, ben] = agents;
      assert.equal((await call(anna, 'claim', { keys: ['glob/src/**'] })).granted, true);
      const refused = await call(ben, 'claim', { keys: ['glob/src/deep/a.cc'] });
      assert.equal(refused.granted, false);
      assert.deepEqual([refused.held[0].key, refused.held[0].overlaps], ['glob/src/deep/a.cc', 'glob/src/**']);
      assert.equal((await call(anna, 'claim', { keys: ['glob/src/deep/*.cc'] })).granted, true);  // one's own
    });

    test('WhoWaitsIsServedWhenTheHolderReleases', async () => {
      const [anna, ben] = agents;
      const first = await call(anna, 'claim', { keys: ['queue'], note: 'first' });
      const waiting = call(ben, 'claim', { keys: ['queue'], wait_ms: kPatientMs });
      await reachBroker(ben);  // goes on while the claim waits
      await call(anna, 'release', { token: first.token });
      const second = await waiting;
      assert.equal(second.granted, true);
      assert.ok(second.token > first.token);
      const renewed = await call(ben, 'claim', { keys: ['queue'], ttl_ms: 100_000 });
      assert.ok(renewed.granted && renewed.token > second.token);
    });

    test('AClaimIsFreeWhenItsHolderLeaves', async () => {
      const [anna] = agents;
      let waiting;
      await visit('guest', async (guest) => {
        assert.equal((await call(guest, 'claim', { keys: ['room'] })).granted, true);
        assert.equal((await call(anna, 'claim', { keys: ['room'] })).granted, false);
        waiting = call(anna, 'claim', { keys: ['room'], wait_ms: kPatientMs });
      });
      assert.equal((await waiting).granted, true);
    });

    test('AHolderIsToldOnceThatItsClaimHasEnded', async () => {
      const [, , cleo] = agents;
      const { token } = await call(cleo, 'claim', { keys: ['short/a', 'short/b'], ttl_ms: 100 });
      const told = await until('the end to be told', async () => (await call(cleo, 'read', { limit: 1 })).lease_ended);
      assert.deepEqual(told, [{ token, reason: 'expired', keys: ['short/a', 'short/b'] }]);
      assert.equal((await call(cleo, 'read', { limit: 1 })).lease_ended, undefined);
      assert.equal((await call(cleo, 'release', { token })).released, false);
    });

    test('ACancelledClaimIsNotGranted', async () => {
      const [anna, ben, cleo] = agents;
      const { token } = await call(anna, 'claim', { keys: ['aborted'] });
      const controller = new AbortController();
      const waiting = ben.call('claim', { keys: ['aborted'], wait_ms: kPatientMs }, { signal: controller.signal });
      await reachBroker(ben);
      controller.abort('not needed any more');
      await assert.rejects(waiting);
      await reachBroker(ben);
      await call(anna, 'release', { token });
      assert.equal((await call(cleo, 'claim', { keys: ['aborted'], wait_ms: kPatientMs })).granted, true);
    });

    test('StatusListsClaims', async () => {
      const [anna] = agents;
      const { token } = await call(anna, 'claim', { keys: ['listed/claim'], note: 'to be seen' });
      const { claims } = await call(anna, 'status', { what: 'claims', prefix: 'listed/' });
      assert.equal(claims.length, 1);
      assert.deepEqual([claims[0].token, claims[0].keys, claims[0].by, claims[0].note],
        [token, ['listed/claim'], 'anna', 'to be seen']);
    });

    // ---- groups ----

    test('AgentsOfAGroupShareTheEventsBetweenThem', async () => {
      await call(agents[0], 'append', { events: numbers(60).map((data) => ({ stream: 'jobs', type: 'job', data })) });
      const done = await Promise.all(agents.map(async (agent) => {
        const mine = [];
        for (;;) {
          const { events } = await call(agent, 'take', { stream: 'jobs', group: 'workers', max: 7 });
          if (events.length === 0) return mine;
          for (const event of events) assert.deepEqual([event.type, event.tries, event.revision], ['job', 1, event.data + 1]);
          mine.push(...events.map((event) => event.data));
          const { settled } = await call(agent, 'settle', { tokens: events.map((event) => event.token), outcome: 'done' });
          assert.ok(settled.every((each) => each === true));
        }
      }));
      assert.deepEqual(done.flat().sort((a, b) => a - b), numbers(60));
      const { groups } = await call(agents[0], 'status', { what: 'groups', prefix: 'jobs' });
      assert.deepEqual([groups[0].stream, groups[0].group, groups[0].checkpoint, groups[0].taken], ['jobs', 'workers', 60, 0]);
    });

    test('WhatIsNotDoneGoesToAnotherOrIsParked', async () => {
      const [anna, ben] = agents;
      await call(anna, 'append', { events: [{ stream: 'chores', type: 'x', data: 'a' }, { stream: 'chores', type: 'x', data: 'b' }] });
      const take = async (agent) => (await call(agent, 'take', { stream: 'chores', group: 'g' })).events;
      const [first] = await take(anna);
      assert.equal(first.data, 'a');
      assert.equal((await call(anna, 'settle', { token: first.token, outcome: 'retry' })).settled, true);
      const [again] = await take(ben);
      assert.deepEqual([again.data, again.tries], ['a', 2]);
      const late = await call(anna, 'settle', { token: first.token, outcome: 'done' });
      assert.equal(late.settled, false);
      assert.ok(late.hint.length > 20);
      assert.equal((await call(ben, 'settle', { token: again.token, outcome: 'park', note: 'odd' })).settled, true);
      const rest = await call(ben, 'take', { stream: 'chores', group: 'g' });
      assert.deepEqual([rest.events[0].data, rest.parked], ['b', 1]);
      await call(ben, 'settle', { token: rest.events[0].token, outcome: 'done' });
    });

    test('ANewGroupBeginsWhereItIsAsked', async () => {
      const [anna] = agents;
      await call(anna, 'append', { stream: 'begins', type: 'x', data: 'old' });
      assert.deepEqual((await call(anna, 'take', { stream: 'begins', group: 'late', from: 'head' })).events, []);
      await call(anna, 'append', { stream: 'begins', type: 'x', data: 'new' });
      assert.deepEqual((await call(anna, 'take', { stream: 'begins', group: 'late' })).events.map((event) => event.data), ['new']);
      assert.deepEqual((await call(anna, 'take', { stream: 'begins', group: 'early' })).events.map((event) => event.data), ['old']);
    });

    test('WhoWaitsTakesWhatIsAppended', async () => {
      const [anna, ben] = agents;
      const waiting = call(anna, 'take', { stream: 'later', group: 'g', wait_ms: kPatientMs });
      await reachBroker(anna);
      await call(ben, 'append', { stream: 'later', type: 'x', data: 1 });
      assert.deepEqual((await waiting).events.map((event) => event.data), [1]);
      const nothing = await call(anna, 'take', { stream: 'later', group: 'g', wait_ms: 10 });
      assert.deepEqual(nothing.events, []);
      assert.match(nothing.hint, /again/);
    });

    test('ACancelledTakeLosesNothing', async () => {
      const [anna, ben] = agents;
      const controller = new AbortController();
      const waiting = anna.call('take', { stream: 'given-up', group: 'g', wait_ms: kPatientMs }, { signal: controller.signal });
      await reachBroker(anna);
      controller.abort('not needed any more');
      await assert.rejects(waiting);
      await call(ben, 'append', { stream: 'given-up', type: 'x', data: 1 });
      const taken = await call(ben, 'take', { stream: 'given-up', group: 'g', wait_ms: kPatientMs });
      assert.deepEqual(taken.events.map((event) => event.data), [1]);
    });

    test('WhatAConsumerHoldsGoesToTheNextWhenItLeaves', async () => {
      const [anna] = agents;
      await call(anna, 'append', { stream: 'orphans', type: 'x', data: 1 });
      await visit('mayfly', async (mayfly) => {
        assert.equal((await call(mayfly, 'take', { stream: 'orphans', group: 'g' })).events.length, 1);
      });
      const { events } = await call(anna, 'take', { stream: 'orphans', group: 'g', wait_ms: kPatientMs });
      assert.deepEqual([events[0].data, events[0].tries], [1, 2]);
    });

    test('EventsTooLargeForOneResultAreCutAndNotLost', async () => {
      const [anna] = agents;
      const large = 'x'.repeat(30_000);
      await call(anna, 'append', { events: numbers(4).map((i) => ({ stream: 'large', type: 'x', data: `${i}${large}` })) });
      const answer = await call(anna, 'take', { stream: 'large', group: 'g', max: 4 });
      assert.equal(answer.events.length, 4);
      const cut = answer.events.filter((event) => event.truncated);
      assert.ok(cut.length > 0 && cut.length < 4);
      for (const event of cut) {
        const { events } = await call(anna, 'read', { stream: 'large', after: event.sequence - 1, limit: 1 });
        assert.equal(events[0].data.length, event.bytes - 2);
      }
      const { settled } = await call(anna, 'settle', { tokens: answer.events.map((event) => event.token), outcome: 'done' });
      assert.deepEqual(settled, [true, true, true, true]);
    });

    // ---- verdicts ----

    test('OneDecidesAndAllOthersHearIt', async () => {
      const question = { kind: 'review.diff', input: { file: 'a.cc', lines: [1, 2] } };
      const [decider, ...others] = agents;
      const mine = await call(decider, 'validate', question);
      assert.deepEqual([mine.verdict, mine.you_decide, mine.cached], ['undecided', true, false]);
      assert.match(mine.key, /^[0-9a-f]{64}$/);
      assert.match(mine.reason, /decide/);
      const waiting = others.map((agent) => call(agent, 'validate', { ...question, wait_ms: kPatientMs }));
      const impatient = await call(others[0], 'validate', { ...question, wait_ms: 0 });
      assert.deepEqual([impatient.verdict, impatient.you_decide], ['undecided', undefined]);
      const decision = { key: mine.key, token: mine.token, verdict: 'deny', reason: 'line 2 is wrong' };
      assert.equal((await call(decider, 'decide', decision)).recorded, true);
      for (const answer of await Promise.all(waiting)) {
        assert.deepEqual([answer.verdict, answer.reason, answer.by, answer.key], ['deny', 'line 2 is wrong', 'anna', mine.key]);
      }
      for (const agent of agents) {
        const again = await call(agent, 'validate', { kind: question.kind, input: { lines: [1.0, 2], file: 'a.cc' } });
        assert.deepEqual([again.verdict, again.cached, again.key], ['deny', true, mine.key]);
        assert.match(again.decided_at, /^\d{4}-/);
      }
      const late = await call(others[0], 'decide', { ...decision, verdict: 'allow' });
      assert.equal(late.recorded, false);
      assert.equal(late.verdict, 'deny');
      assert.ok(late.hint.length > 10);
    });

    test('ManyQuestionsAskedByAllAtOnceAreDecidedOnceEach', async () => {
      const questions = numbers(20).map((i) => ({ kind: 'sum.check', input: { i } }));
      let decisions = 0;
      await Promise.all(agents.map(async (agent) => {
        for (;;) {
          const { answers } = await call(agent, 'validate', { questions });
          assert.equal(answers.length, questions.length);
          const mine = answers.filter((answer) => answer.you_decide);
          for (const { key, token } of mine) {
            const { recorded } = await call(agent, 'decide', { key, token, verdict: 'allow' });
            if (recorded) ++decisions;
          }
          if (answers.every((answer) => answer.verdict === 'allow')) return;
        }
      }));
      assert.equal(decisions, questions.length);
      const decided = (await types('$verdicts', 'verdict.decided')).filter((event) => event.data.kind === 'sum.check');
      assert.equal(decided.length, questions.length);
    });

    test('TheNextIsAskedWhenWhoWasToDecideLeaves', async () => {
      const [anna] = agents;
      const question = { kind: 'left.open', input: 1 };
      let waiting;
      await visit('quitter', async (quitter) => {
        assert.equal((await call(quitter, 'validate', question)).you_decide, true);
        waiting = call(anna, 'validate', { ...question, wait_ms: kPatientMs });
        await reachBroker(anna);
      });
      assert.equal((await waiting).you_decide, true);
    });

    // ---- refusals ----

    test('EveryRefusalSaysWhatToDoInstead', async () => {
      const key = '0'.repeat(64);
      const wrong = [
        ['claim', {}, /keys/],
        ['claim', { keys: [] }, /at least one/],
        ['claim', { keys: numbers(65).map(String) }, /64/],
        ['claim', { keys: ['x'.repeat(256)] }, /255/],
        ['claim', { keys: ['a**b'] }, /\*\*/],
        ['claim', { keys: ['x'], ttl_ms: 99 }, /100/],
        ['claim', { keys: ['x'], wait_ms: 50_001 }, /50000/],
        ['release', {}, /token/],
        ['release', { token: '5' }, /whole number/],
        ['take', { stream: 'x' }, /group/],
        ['take', { stream: 'x', group: 'a/b' }, /'\/'/],
        ['take', { stream: 'x', group: 'g', max: 501 }, /500/],
        ['take', { stream: 'x', group: 'g', from: 'middle' }, /first, head/],
        ['settle', { outcome: 'done' }, /take/],
        ['settle', { token: 'x', outcome: 'done' }, /12\.0/],
        ['settle', { token: '1.0', outcome: 'maybe' }, /done, retry, park/],
        ['validate', { kind: 'x' }, /input/],
        ['validate', { kind: 'x', input: 2 ** 60 }, /2\^53|9007199254740992|integer/],
        ['validate', { questions: [] }, /at least one/],
        ['decide', { key: 'x', token: '1.0', verdict: 'allow' }, /64/],
        ['decide', { key, token: '1.0', verdict: 'undecided' }, /allow, deny, ask/],
        ['status', { what: 'weather' }, /claims, groups/],
      ];
      for (const [tool, args, says] of wrong) {
        const sentence = refusal(await agents[0].call(tool, args));
        assert.match(sentence, says, `${tool} ${JSON.stringify(args).slice(0, 100)}: ${sentence}`);
      }
    });

    test('SaysHowToStartABroker', async () => {
      const own = new Host();
      try {
        const agent = await kind.connect(own, 'early-bird');
        for (const [tool, args] of [
          ['claim', { keys: ['a'] }], ['release', { token: 1 }], ['take', { stream: 'a', group: 'g' }],
          ['settle', { token: '1.0', outcome: 'done' }], ['validate', { kind: 'k', input: 1 }],
          ['decide', { key: '0'.repeat(64), token: '1.0', verdict: 'allow' }],
        ]) {
          assert.match(refusal(await agent.call(tool, args)), /roostd/);
        }
        await agent.close();
        await own.assertAllWasRight();
      } finally {
        await own.dispose();
      }
    });
  });
}
