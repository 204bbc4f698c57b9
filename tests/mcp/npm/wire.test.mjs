// roost-mcp by its wire alone: what no SDK sends, in every revision of the protocol.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Host, program } from './harness.mjs';
import { textAt } from './json_text.mjs';
import { kModernMeta, LineClient } from './line_client.mjs';
import { kLegacy, kModern, kNewestLegacy } from './schema.mjs';

const kNeverMs = 50_000;

const host = new Host();
before(() => host.startBroker());
after(async () => {
  await host.stopBroker();
  await host.dispose();
});

// Runs with a shim of its own, which ends in the end with nothing wrong in what it has said.
async function withShim(run) {
  const shim = LineClient.start(host, 'wire');
  try {
    await run(shim);
    await shim.close();
  } finally {
    shim.kill('SIGKILL');
  }
}

async function assertError(answer, code) {
  const { error } = await answer;
  assert.equal(error?.code, code, JSON.stringify(await answer));
  assert.ok(error.message.length > 5);
  return error;
}

// The same main road in each revision; `request` and `subscribe` are what differs.
async function walk(shim, revision, request, subscribe, notFound) {
  const stream = `walk/${revision}`;
  const result = async (method, params) => {
    const answer = await request(method, params);
    assert.ok(answer.result, `${method}: ${JSON.stringify(answer.error)}`);
    return answer.result;
  };
  const call = async (name, args) => (await result('tools/call', { name, arguments: args })).structuredContent;

  await result('tools/list', {});
  assert.equal((await call('append', { stream, type: 'x', data: { n: 1 } })).revision, 1);
  assert.equal((await call('read', { stream })).events.length, 1);
  assert.equal((await call('wait', { stream, after: 0 })).events.length, 1);
  assert.equal((await call('wait', { stream, timeout_ms: 1 })).events.length, 0);
  assert.equal((await call('status')).socket, host.socket);

  for (const { uri } of (await result('resources/list', {})).resources) await result('resources/read', { uri });
  assert.equal((await result('resources/templates/list', {})).resourceTemplates.length, 2);
  const uri = `roost://stream/${stream}`;
  await result('resources/read', { uri });
  const missing = await assertError(request('resources/read', { uri: 'roost://event/123456789' }), notFound);
  assert.deepEqual(missing.data, { uri: 'roost://event/123456789' });
  const { completion } = await result('completion/complete', {
    ref: { type: 'ref/resource', uri: 'roost://stream/{+name}' }, argument: { name: 'name', value: stream },
  });
  assert.deepEqual(completion.values, [stream]);

  const unsubscribe = await subscribe(uri);
  await call('append', { stream, type: 'x' });
  const updated = await shim.notification('notifications/resources/updated');
  assert.equal(updated.params.uri, uri);
  await unsubscribe();
  const seen = shim.conversation.notifications.length;
  await call('append', { stream, type: 'x' });
  await call('wait', { stream, timeout_ms: 300 });  // updates may be held back a while
  assert.equal(shim.conversation.notifications.length, seen);

  await assertError(request('no/such/method', {}), -32601);
  await assertError(request('prompts/list', {}), -32601);
  await assertError(request('logging/setLevel', { level: 'info' }), -32601);
  await assertError(request('tools/call', { name: 'fly', arguments: {} }), -32602);
  await assertError(request('tools/call', {}), -32602);
  assert.equal((await result('tools/call', { name: 'append', arguments: [] })).isError, true);
  await assertError(request('resources/read', {}), -32602);
  await assertError(request('tools/list', { cursor: 'never given out' }), -32602);
}

describe('LegacyRevision', () => {
  for (const revision of kLegacy) {
    test(`ServesAllOf ${revision}`, () => withShim(async (shim) => {
      const { protocolVersion } = await shim.initialize(revision);
      assert.equal(protocolVersion, revision);
      await shim.result('ping');
      const subscribe = async (uri) => {
        await shim.result('resources/subscribe', { uri });
        return () => shim.result('resources/unsubscribe', { uri });
      };
      await walk(shim, revision, (method, params) => shim.request(method, params), subscribe, -32002);
    }));
  }

  for (const version of ['2023-01-01', '2024-10-07', kModern, '2099-12-31', '']) {
    test(`OffersItsNewestToAClientOf "${version}"`, () => withShim(async (shim) => {
      assert.equal((await shim.initialize(version)).protocolVersion, kNewestLegacy);
      await shim.result('tools/list');
    }));
  }

  test('AnswersBeforeInitialize', () => withShim(async (shim) => {
    await shim.result('ping');
    await shim.result('tools/list');
    await shim.call('status');
  }));

  test('IgnoresAnswersAndNotificationsThatItDoesNotKnow', () => withShim(async (shim) => {
    shim.sendLine('{"jsonrpc":"2.0","id":1,"result":{}}');
    shim.sendLine('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"?"}}');
    shim.notify('notifications/roots/list_changed');
    shim.notify('notifications/unheard-of', { wrong: true });
    shim.notify('notifications/cancelled', { requestId: 'never asked' });
    shim.notify('notifications/cancelled', {});
    shim.notify('tools/call', { name: 'status' });
    await shim.result('ping');
  }));

  test('AnswersEachElementOfABatchByItself', () => withShim(async (shim) => {
    await shim.initialize('2025-03-26');
    shim.sendLine(JSON.stringify([
      { jsonrpc: '2.0', id: 'a', method: 'ping' },
      { jsonrpc: '2.0', method: 'notifications/unheard-of' },
      { jsonrpc: '2.0', id: 'b', method: 'tools/call', params: { name: 'status' } },
      { jsonrpc: '2.0', id: 'c', method: 'no/such/method' },
    ]));
    for (const id of ['"a"', '"b"', '"c"']) await shim.answerTo(id);
  }));
});

describe('ModernRevision', () => {
  test('ServesAllOf 2026-07-28', () => withShim(async (shim) => {
    const discovered = (await shim.requestModern('server/discover')).result;
    assert.deepEqual(discovered.supportedVersions, [kModern]);
    const subscribe = async (uri) => {
      const id = shim.post('subscriptions/listen', { notifications: { resourceSubscriptions: [uri] }, _meta: kModernMeta });
      const acknowledged = await shim.notification('notifications/subscriptions/acknowledged');
      assert.deepEqual(acknowledged.params.notifications, { resourceSubscriptions: [uri] });
      return () => shim.notify('notifications/cancelled', { requestId: id });
    };
    await walk(shim, kModern, (method, params) => shim.requestModern(method, params), subscribe, -32602);
  }));

  test('DeclaresNothingThatItDoesNotServe', () => withShim(async (shim) => {
    const { capabilities } = (await shim.requestModern('server/discover')).result;
    assert.deepEqual(Object.keys(capabilities).sort(), ['completions', 'resources', 'tools']);
    assert.deepEqual(capabilities.resources, { subscribe: true });
    assert.deepEqual(capabilities.tools, {});
    const { result } = await shim.request('initialize', { protocolVersion: kNewestLegacy, capabilities: {}, clientInfo: { name: 'x', version: '1' } });
    assert.deepEqual(result.capabilities, capabilities);
  }));

  test('DemandsWhatEachRequestMustCarry', () => withShim(async (shim) => {
    await assertError(shim.request('server/discover', {}), -32602);
    await assertError(shim.request('server/discover'), -32602);
    await assertError(shim.request('subscriptions/listen', { notifications: {} }), -32602);
    const { 'io.modelcontextprotocol/protocolVersion': version } = kModernMeta;
    const onlyVersion = { _meta: { 'io.modelcontextprotocol/protocolVersion': version } };
    await assertError(shim.request('tools/list', onlyVersion), -32602);
    await assertError(shim.requestModern('tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': 20260728 } }), -32602);
    await assertError(shim.requestModern('tools/list', { _meta: { 'io.modelcontextprotocol/clientCapabilities': 'all' } }), -32602);
    await assertError(shim.requestModern('subscriptions/listen'), -32602);
    await assertError(shim.requestModern('subscriptions/listen', { notifications: { resourceSubscriptions: 'all' } }), -32602);
    const withoutClientInfo = { _meta: { ...kModernMeta } };
    delete withoutClientInfo._meta['io.modelcontextprotocol/clientInfo'];
    assert.ok((await shim.request('tools/list', withoutClientInfo)).result);
  }));

  test('SaysWhichVersionsItHas', () => withShim(async (shim) => {
    for (const requested of ['2099-01-01', '2025-11-25', '']) {
      const meta = { 'io.modelcontextprotocol/protocolVersion': requested };
      for (const method of ['server/discover', 'tools/list', 'no/such/method']) {
        const error = await assertError(shim.requestModern(method, { _meta: meta }), -32022);
        assert.deepEqual(error.data, { supported: [kModern], requested });
      }
    }
  }));

  test('HasNoLegacyMethods', () => withShim(async (shim) => {
    const uri = 'roost://streams';
    await assertError(shim.requestModern('initialize', { protocolVersion: kModern, capabilities: {}, clientInfo: { name: 'x', version: '1' } }), -32601);
    for (const method of ['ping', 'logging/setLevel']) await assertError(shim.requestModern(method), -32601);
    for (const method of ['resources/subscribe', 'resources/unsubscribe']) {
      await assertError(shim.requestModern(method, { uri }), -32601);
    }
  }));

  test('AcknowledgesOnlyWhatItHonours', () => withShim(async (shim) => {
    const uri = 'roost://stream/honoured';
    shim.post('subscriptions/listen', {
      notifications: { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, resourceSubscriptions: [uri] },
      _meta: kModernMeta,
    });
    const { params } = await shim.notification('notifications/subscriptions/acknowledged');
    assert.deepEqual(params.notifications, { resourceSubscriptions: [uri] });
  }));

  test('SendsACopyToEachListen', () => withShim(async (shim) => {
    const uri = 'roost://stream/copied';
    const listen = { notifications: { resourceSubscriptions: [uri] }, _meta: kModernMeta };
    const first = shim.post('subscriptions/listen', listen);
    const second = shim.post('subscriptions/listen', listen);
    await shim.notification('notifications/subscriptions/acknowledged');
    await shim.notification('notifications/subscriptions/acknowledged');
    await shim.call('append', { stream: 'copied', type: 'x' });
    const tags = [];
    for (let i = 0; i < 2; ++i) {
      const { params } = await shim.notification('notifications/resources/updated');
      tags.push(params._meta['io.modelcontextprotocol/subscriptionId']);
    }
    assert.deepEqual(tags.sort(), [first, second]);
  }));
});

describe('BothErasOnOnePipe', () => {
  test('AnswersInitializeAfterDiscoverAndEachRequestInItsOwnEra', () => withShim(async (shim) => {
    assert.ok((await shim.requestModern('server/discover')).result);
    assert.equal((await shim.initialize('2025-06-18')).protocolVersion, '2025-06-18');
    assert.equal((await shim.result('tools/list')).resultType, undefined);
    assert.equal((await shim.requestModern('tools/list')).result.resultType, 'complete');
    await shim.result('ping');
    assert.equal((await shim.initialize('2024-11-05')).protocolVersion, '2024-11-05');
  }));

  test('NotifiesEachEraInItsOwnWay', () => withShim(async (shim) => {
    const uri = 'roost://stream/two-eras';
    await shim.initialize('2025-11-25');
    await shim.result('resources/subscribe', { uri });
    const id = shim.post('subscriptions/listen', { notifications: { resourceSubscriptions: [uri] }, _meta: kModernMeta });
    await shim.notification('notifications/subscriptions/acknowledged');
    await shim.call('append', { stream: 'two-eras', type: 'x' });
    const tags = [];
    for (let i = 0; i < 2; ++i) {
      const { params } = await shim.notification('notifications/resources/updated');
      tags.push(params._meta?.['io.modelcontextprotocol/subscriptionId']);
    }
    assert.ok(tags.includes(id) && tags.includes(undefined), JSON.stringify(tags));
  }));
});

describe('Label', () => {
  async function labelOf(args, env, greet) {
    const shim = new LineClient(program('roost-mcp'), ['--socket', host.socket, ...args], { env: { ...process.env, ...env } });
    try {
      await greet(shim);
      await shim.call('append', { stream: `label/${shim.pid}`, type: 'x' });
      const { agent } = await shim.call('status');
      assert.equal((await shim.call('read', { stream: `label/${shim.pid}` })).events[0].agent, agent);
      await shim.close();
      return agent.replace(String(shim.pid), 'PID');
    } finally {
      shim.kill('SIGKILL');
    }
  }
  const legacy = (shim) => shim.initialize(kNewestLegacy);
  const modern = (shim) => shim.requestModern('tools/list');

  test('IsTheOneGivenOnTheCommandLine', async () => {
    assert.equal(await labelOf(['--agent', 'planner'], { ROOST_AGENT: 'other' }, legacy), 'planner');
  });
  test('IsElseTheOneInTheEnvironment', async () => {
    assert.equal(await labelOf([], { ROOST_AGENT: 'worker' }, modern), 'worker');
  });
  test('IsElseTheNameOfTheClientInEitherEra', async () => {
    assert.equal(await labelOf([], {}, legacy), 'line-client-PID');
    assert.equal(await labelOf([], {}, modern), 'line-client-PID');
  });
});

describe('Bytes', () => {
  // Ids as they are written, each echoed as it is written.
  for (const id of ['0', '-1', '"0"', '9007199254740993', '"listen:0"', '"caf\\u00e9 \\"\\\\"', '""']) {
    test(`EchoesTheId ${id}`, () => withShim(async (shim) => {
      shim.sendLine(`{"method":"ping","jsonrpc":"2.0","id":${id}}`);
      await shim.answerTo(id);
      shim.sendLine(`{ "id" : ${id} , "method":"tools/call", "params":{"name":"status"}, "jsonrpc":"2.0" }\r`);
      await shim.answerTo(id);
    }));
  }

  // What JSON.parse would change, kept from the line that appends to the line that answers a read.
  const kData = [
    '123456789012345678901234567890',
    '{"z":1,"a":2,"10":3,"9":4}',
    '1.0',
    '-0',
    '1e400',
    '"\\u00e9\\/\\ud83d\\ude00"',
    '{"a": [1,  2], "b":\t{}}',
    '"nul \\u0000 and line \\n end"',
    'null',
    'false',
  ];
  kData.forEach((data, index) => {
    test(`KeepsTheData ${data}`, () => withShim(async (shim) => {
      const stream = `bytes/${index}`;
      const call = (id, name, args) =>
        `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":${args}}}`;
      shim.sendLine(call(1, 'append', `{"stream":"${stream}","type":"x","data":${data}}`));
      await shim.answerTo(1);
      shim.sendLine(call(2, 'read', `{"stream":"${stream}"}`));
      const line = await shim.answerTo(2);
      assert.equal(textAt(line, 'result', 'structuredContent', 'events', 0, 'data'), data);
    }));
  });

  test('TakesALineInPieces', () => withShim(async (shim) => {
    const line = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';
    shim.conversation.sent(line);
    for (const character of line) {
      shim.write(character);
      await new Promise(setImmediate);
    }
    await shim.answerTo(1);
  }));

  test('TakesManyLinesAtOnceAndBlankOnes', () => withShim(async (shim) => {
    const lines = Array.from({ length: 500 }, (_, i) => `{"jsonrpc":"2.0","id":${i},"method":"ping"}`);
    for (const line of lines) shim.conversation.sent(line);
    shim.write('\n\r\n  \n' + lines.join('\r\n\n') + '\n');
    for (let i = 0; i < 500; ++i) await shim.answerTo(i);
  }));
});

describe('Calls', () => {
  test('GoOnWhileOthersWait', () => withShim(async (shim) => {
    const waits = Array.from({ length: 10 }, (_, i) =>
      shim.post('tools/call', { name: 'wait', arguments: { stream: `slow/${i}`, timeout_ms: kNeverMs } }));
    await shim.result('ping');
    for (let i = 9; i >= 0; --i) {
      await shim.call('append', { stream: `slow/${i}`, type: 'x' });
      await shim.answerTo(waits[i]);
    }
  }));

  test('RefuseAnIdThatIsInUse', () => withShim(async (shim) => {
    const wait = { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'wait', arguments: { stream: 'in-use', timeout_ms: kNeverMs } } };
    shim.sendLine(JSON.stringify(wait));
    shim.sendLine('{"jsonrpc":"2.0","id":5,"method":"ping"}');
    const refused = JSON.parse(await shim.answerTo(5));
    assert.equal(refused.error?.code, -32600, JSON.stringify(refused));
    shim.sendLine('{"jsonrpc":"2.0","id":"5","method":"ping"}');  // another id
    await shim.answerTo('"5"');
    await shim.call('append', { stream: 'in-use', type: 'x' });
    assert.ok(JSON.parse(await shim.answerTo(5)).result);
  }));

  test('SayNothingMoreOnceCancelled', () => withShim(async (shim) => {
    for (const meta of [undefined, kModernMeta]) {
      const id = shim.post('tools/call', { name: 'wait', arguments: { stream: 'cancelled', timeout_ms: kNeverMs }, _meta: meta });
      shim.notify('notifications/cancelled', { requestId: id, reason: 'not needed' });
      await shim.call('append', { stream: 'cancelled', type: 'x' });
    }
    assert.deepEqual(shim.conversation.answeredAfterCancel, []);
  }));

  test('CutLargeEventsToFitAPage', () => withShim(async (shim) => {
    const text = 'x'.repeat(200_000);
    const { sequence } = await shim.call('append', { stream: 'large', type: 'x', data: { text } });
    const line = await shim.answerTo(shim.post('tools/call', { name: 'read', arguments: { stream: 'large' } }));
    assert.ok(textAt(line, 'result', 'structuredContent').length <= 64 * 1024);
    const [event] = JSON.parse(line).result.structuredContent.events;
    assert.equal(event.truncated, true);
    assert.equal(event.bytes, JSON.stringify({ text }).length);
    const { contents } = await shim.result('resources/read', { uri: `roost://event/${sequence}` });
    assert.deepEqual(JSON.parse(contents[0].text).data, { text });
  }));

  test('PageWhatIsTooMuchForOneAnswer', () => withShim(async (shim) => {
    const count = 200;
    const data = 'y'.repeat(1000);
    const events = Array.from({ length: count }, () => ({ stream: 'much', type: 'x', data }));
    await shim.call('append', { events });
    const seen = [];
    let after = 0;
    for (let more = true; more; ) {
      const line = await shim.answerTo(shim.post('tools/call', { name: 'read', arguments: { stream: 'much', after, limit: 500 } }));
      assert.ok(textAt(line, 'result', 'structuredContent').length <= 64 * 1024);
      const page = JSON.parse(line).result.structuredContent;
      seen.push(...page.events.map((event) => event.revision));
      assert.ok(page.next > after || !page.more);
      after = page.next;
      more = page.more;
    }
    assert.deepEqual(seen, Array.from({ length: count }, (_, i) => i + 1));
  }));
});
