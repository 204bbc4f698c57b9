// Hostile input to roost-mcp: whatever a client writes, the shim answers with a clear error or says
// nothing, lives on, stays small, and neither the broker nor another agent's shim notices.
//
// Each case runs with a broker and without one.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Host, kSanitized } from '../npm/harness.mjs';
import { kModernMeta, LineClient } from '../npm/line_client.mjs';
import { compileToolSchema } from '../npm/schema.mjs';

const kMiB = 1 << 20;
const kResidentBytesMax = 20 * kMiB;
const kManyRequests = 3000;  // more than a shim keeps of anything

const kNested = (open, close, count) => open.repeat(count) + close.repeat(count);
const kCall = (id, name, args) =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":${args}}}`;

// Lines that are no message, or have no id to answer to: silence, or an error, with the id if the shim
// can make one out. ID is replaced by a number.
const kUnreadable = {
  'text that is not JSON': 'hello, world',
  'half an object': '{"jsonrpc":"2.0","id":ID,"method":',
  'a string that does not end': '{"jsonrpc":"2.0","id":ID,"method":"ping',
  'two objects': '{"jsonrpc":"2.0","method":"x"}{"jsonrpc":"2.0","method":"x"}',
  'rubbish behind an object': '{"jsonrpc":"2.0","method":"x"} trailing',
  'single quotes': "{'jsonrpc':'2.0','method':'x'}",
  'a comment': '/* x */{"jsonrpc":"2.0","method":"x"}',
  'a trailing comma': '{"jsonrpc":"2.0","method":"x",}',
  'NaN': '{"jsonrpc":"2.0","method":"x","params":{"a":NaN}}',
  'a bare control character': '{"jsonrpc":"2.0","method":"x\u0001"}',
  'an unknown escape': '{"jsonrpc":"2.0","method":"\\q"}',
  'a number with a leading zero': '{"jsonrpc":"2.0","method":"x","params":{"a":01}}',
  'null': 'null',
  'true': 'true',
  'a number': '42',
  'a huge number': '9'.repeat(100_000),
  'a string': '"ping"',
  'an empty array': '[]',
  'an array of scalars': '[1,"x",null,true]',
  'an empty object': '{}',
  'an id of null': '{"jsonrpc":"2.0","id":null,"method":"ping"}',
  'an id of true': '{"jsonrpc":"2.0","id":true,"method":"ping"}',
  'an id that is an object': '{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}',
  'an id that is an array': '{"jsonrpc":"2.0","id":[1],"method":"ping"}',
  'an id with a fraction': '{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
  'a notification whose method is a number': '{"jsonrpc":"2.0","method":7}',
  'only brackets that open': '['.repeat(1_000_000),
  'a million nested arrays': kNested('[', ']', 1_000_000),
  'half a million nested objects': kNested('{"a":', '}', 500_000).replace('}', '1}'),
  'zero bytes': '\0\0\0\0',
  'a byte order mark': '\uFEFF{"jsonrpc":"2.0","method":"x"}',
};

// Bytes that are not UTF-8, where text may stand.
const kNotUtf8 = {
  'stray continuation bytes': [0x80, 0xbf],
  'overlong': [0xc0, 0xaf],
  'a surrogate': [0xed, 0xa0, 0x80],
  'beyond Unicode': [0xf4, 0x90, 0x80, 0x80],
  'cut short': [0xe2, 0x82],
  'never valid': [0xff, 0xfe],
};

// Requests with a good id: each is answered, and none of them with success.
const kWrongRequests = {
  'a method that is unknown': '{"jsonrpc":"2.0","id":ID,"method":"no/such/method","params":{}}',
  'an empty method': '{"jsonrpc":"2.0","id":ID,"method":""}',
  'a method of a megabyte': `{"jsonrpc":"2.0","id":ID,"method":"${'m'.repeat(kMiB)}"}`,
  'a method that is a number': '{"jsonrpc":"2.0","id":ID,"method":7}',
  'a method that is null': '{"jsonrpc":"2.0","id":ID,"method":null}',
  'the wrong version of JSON-RPC': '{"jsonrpc":"1.0","id":ID,"method":"tools/list"}',
  'params that are an array': '{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":["status"]}',
  'params that are a string': '{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":"status"}',
  'params of null': '{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":null}',
  'no name of a tool': '{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{}}',
  'a name that is a number': '{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"name":1}}',
  'arguments that are an array': kCall('ID', 'append', '["a","b"]'),
  'arguments that are a string': kCall('ID', 'append', '"stream"'),
  'nested arrays as arguments': kCall('ID', 'append', kNested('[', ']', 1_000_000)),
  'nested arrays as data': kCall('ID', 'append', `{"stream":"deep","type":"x","data":${kNested('[', ']', 1_000_000)}}`),
  'a sequence too large for 64 bits': kCall('ID', 'read', '{"after":18446744073709551616}'),
  'a sequence with an exponent of a thousand digits': kCall('ID', 'read', `{"after":1e${'9'.repeat(1000)}}`),
  'a limit with a fraction': kCall('ID', 'read', '{"limit":1.5}'),
  'an unpaired surrogate as a stream': kCall('ID', 'append', '{"stream":"\\ud800","type":"x"}'),
  'a zero byte in a stream': kCall('ID', 'append', '{"stream":"a\\u0000b","type":"x"}'),
  'an unknown argument': kCall('ID', 'append', '{"stream":"typo","type":"x","expcet":0}'),
  'data larger than an event may have': kCall('ID', 'append', `{"stream":"large","type":"x","data":"${'d'.repeat(2 * kMiB)}"}`),
  'more events than a batch may have': kCall('ID', 'append', `{"events":[${Array(1001).fill('{"stream":"many","type":"x"}').join()}]}`),
  'more keys than a claim may have': kCall('ID', 'claim', `{"keys":[${Array(65).fill('"k"').join()}]}`),
  'a key with a zero byte': kCall('ID', 'claim', '{"keys":["a\\u0000b"]}'),
  'a token of another kind': kCall('ID', 'release', '{"token":"1.0"}'),
  'a group with a slash': kCall('ID', 'take', '{"stream":"x","group":"a/b"}'),
  'more tokens than a call may have': kCall('ID', 'settle', `{"outcome":"done","tokens":[${Array(501).fill('"1.0"').join()}]}`),
  'a question about an integer beyond 2^53': kCall('ID', 'validate', '{"kind":"x","input":9007199254740993}'),
  'a question with a name twice': kCall('ID', 'validate', '{"kind":"x","input":{"a":1,"a":2}}'),
  'a question too large': kCall('ID', 'validate', `{"kind":"x","input":"${'q'.repeat(65_536)}"}`),
  'more questions than a call may have': kCall('ID', 'validate', `{"questions":[${Array(65).fill('{"kind":"x","input":1}').join()}]}`),
  'a key of a question that is none': kCall('ID', 'decide', `{"key":"${'g'.repeat(64)}","token":"1.0","verdict":"allow"}`),
  'a URI that is a number': '{"jsonrpc":"2.0","id":ID,"method":"resources/read","params":{"uri":7}}',
  'a URI of a megabyte': `{"jsonrpc":"2.0","id":ID,"method":"resources/read","params":{"uri":"roost://stream/${'u'.repeat(kMiB)}"}}`,
  'a URI with broken escapes': '{"jsonrpc":"2.0","id":ID,"method":"resources/read","params":{"uri":"roost://stream/%zz%"}}',
  'an event number that is none': '{"jsonrpc":"2.0","id":ID,"method":"resources/read","params":{"uri":"roost://event/-1"}}',
  'an event number too large': '{"jsonrpc":"2.0","id":ID,"method":"resources/read","params":{"uri":"roost://event/99999999999999999999999"}}',
  'a subscription to nothing': '{"jsonrpc":"2.0","id":ID,"method":"resources/subscribe","params":{}}',
  'a subscription to a foreign URI': '{"jsonrpc":"2.0","id":ID,"method":"resources/subscribe","params":{"uri":"file:///etc/passwd"}}',
  'a completion of nothing': '{"jsonrpc":"2.0","id":ID,"method":"completion/complete","params":{"ref":7,"argument":[]}}',
  'a _meta that is an array': '{"jsonrpc":"2.0","id":ID,"method":"server/discover","params":{"_meta":[]}}',
};

// Values of every kind, to be put where each argument of each tool is.
const kValues = [
  'null', 'true', '0', '-1', '1.5', '1e400', '-1e400', '18446744073709551616', '""', '"x"', '"\\u0000"', '"\\ud800"',
  `"${'s'.repeat(70_000)}"`, '[]', '[null]', '[[]]', '[{}]', '{}', '{"a":{}}', kNested('[', ']', 200),
];

// Arguments with which a call is right and over at once, if nothing else is wrong.
const kGood = {
  append: { stream: '"typed"', type: '"x"' },
  wait: { timeout_ms: '1' },
  claim: { keys: '["typed"]' },
  release: { token: '1' },
  take: { stream: '"typed"', group: '"g"' },
  settle: { token: '"1.0"', outcome: '"done"' },
  validate: { kind: '"typed"', input: '1', wait_ms: '0' },
  decide: { key: `"${'0'.repeat(64)}"`, token: '"1.0"', verdict: '"allow"' },
};

function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)[1]) * 1024;
}

function describeHostileInput(name, withBroker) {
  describe(name, () => {
    const host = new Host();
    let victim;     // gets all the hostile input, one case after the other
    let bystander;  // another agent's shim
    let appended = 0;
    let brokerPid;

    before(async () => {
      if (withBroker) await host.startBroker();
      brokerPid = host.broker?.pid;
      victim = LineClient.start(host, 'victim');
      bystander = LineClient.start(host, 'bystander');
      await bystander.result('tools/list');
    });

    after(async () => {
      try {
        await victim.close();
        await bystander.close();
        if (withBroker) await host.stopBroker();
      } finally {
        victim.kill('SIGKILL');
        bystander.kill('SIGKILL');
        await host.dispose();
      }
    });

    // The victim answers, and the bystander's events are all there and nobody else's.
    async function assertAllIsWell() {
      assert.deepEqual((await victim.request('ping')).result, {});
      const problems = victim.conversation.takeProblems();
      assert.deepEqual(problems, [], problems.join('\n'));
      if (!withBroker) return;
      await bystander.call('append', { stream: 'bystander', type: 'x', data: ++appended });
      const page = await bystander.call('read', { stream: 'bystander', order: 'newest', limit: 1 });
      assert.equal(page.events[0].revision, appended);
      assert.ok(host.broker.running && host.broker.pid === brokerPid, host.broker.stderr);
    }

    for (const [what, line] of Object.entries(kUnreadable)) {
      test(`Survives ${what}`, async () => {
        const id = victim.newId();
        if (line.includes('ID')) victim.sendUnreadable(line.replace('ID', id), id);
        else victim.sendLine(line);
        await assertAllIsWell();
      });
    }

    for (const [what, bytes] of Object.entries(kNotUtf8)) {
      test(`Survives bytes that are not UTF-8: ${what}`, async () => {
        const hostile = (before, after) => Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
        victim.sendUnreadable(hostile('', ''));
        victim.sendUnreadable(hostile('{"jsonrpc":"2.0","method":"', '"}'));
        for (const argument of ['stream', 'type', 'data', 'id']) {
          const args = { stream: '"not-utf8"', type: '"x"', data: '""', id: '""' };
          args[argument] = '"@"';
          const id = victim.newId();
          const line = kCall(id, 'append', `{${Object.entries(args).map(([key, value]) => `"${key}":${value}`).join()}}`);
          victim.sendUnreadable(hostile(...line.split('@')), id);
        }
        await assertAllIsWell();
        if (!withBroker) return;
        assert.deepEqual((await bystander.call('read', { stream: 'not-utf8' })).events, []);
      });
    }

    for (const [what, template] of Object.entries(kWrongRequests)) {
      test(`Refuses ${what}`, async () => {
        const id = victim.newId();
        victim.sendUnreadable(template.replace('ID', id), id);
        await assertAllIsWell();
        const answer = victim.answered(id);
        assert.ok(answer === undefined || answer.error || answer.result.isError, JSON.stringify(answer));
      });
    }

    test('SurvivesDuplicateKeys', async () => {
      const id = victim.newId();
      victim.sendUnreadable(`{"jsonrpc":"2.0","id":${id},"id":${id},"method":"ping","method":"tools/list","params":{},"params":{}}`, id);
      const call = victim.newId();
      victim.sendUnreadable(kCall(call, 'append', '{"stream":"$agents","stream":"doubled","type":"x","type":"y"}'), call);
      await assertAllIsWell();
      assert.ok(victim.answered(id));
      const answer = JSON.parse(await victim.answerTo(call));
      if (!withBroker || answer.error || answer.result.isError) return;
      assert.equal((await bystander.call('read', { stream: '$agents', types: ['x', 'y'] })).events.length, 0);
    });

    test('RefusesWrongTypesForEveryArgumentOfEveryTool', async () => {
      const { tools } = await victim.result('tools/list');
      for (const tool of tools) {
        const accepts = compileToolSchema(tool.inputSchema);
        const good = kGood[tool.name] ?? {};
        for (const argument of Object.keys(tool.inputSchema.properties)) {
          for (const value of kValues) {
            const args = { ...good, [argument]: value };
            const text = `{${Object.entries(args).map(([key, each]) => `"${key}":${each}`).join()}}`;
            if (['timeout_ms', 'wait_ms'].includes(argument) && ['null', '0'].includes(value)) continue;
            const id = victim.newId();
            victim.sendLine(kCall(id, tool.name, text));
            const { result, error } = JSON.parse(await victim.answerTo(id));
            const refused = error !== undefined || result.isError === true;
            const right = value === 'null' || accepts(JSON.parse(text));  // null counts as not given
            assert.ok(refused || right, `${tool.name} accepted ${text.slice(0, 200)}`);
          }
        }
      }
      await assertAllIsWell();
    });

    test('RefusesWrongTypesForEveryMemberOfModernRequests', async () => {
      const requests = {
        'subscriptions/listen': { notifications: {} },
        'completion/complete': { ref: {}, argument: {}, context: {} },
        'resources/read': { uri: '' },
        'tools/call': { name: '', arguments: {} },
        'tools/list': { cursor: '' },
        'server/discover': {},
      };
      for (const [method, params] of Object.entries(requests)) {
        for (const member of [...Object.keys(params), '_meta', ...Object.keys(kModernMeta)]) {
          for (const value of kValues) {
            const meta = { ...kModernMeta };
            const all = { ...params, _meta: meta };
            if (member in kModernMeta) meta[member] = '@';
            else all[member] = '@';
            const id = victim.newId();
            const text = JSON.stringify(all).replace('"@"', value);
            victim.sendUnreadable(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${text}}`, id);
          }
        }
      }
      await assertAllIsWell();
    });

    test('StaysSmallWhenALineHas20Megabytes', async () => {
      for (const begin of ['', '{"jsonrpc":"2.0","id":"big","method":"ping","params":{"x":"', kCall('"big"', 'append', '{"stream":"big","type":"x","data":"')]) {
        victim.conversation.sentUnreadable('"big"');
        victim.write(begin);
        for (let i = 0; i < 20; ++i) victim.write(Buffer.alloc(kMiB, 'x'));
        victim.write('\n');
        await assertAllIsWell();
      }
      const bytes = residentBytes(victim.pid);
      assert.ok(kSanitized || bytes < kResidentBytesMax, `the shim has ${bytes} bytes`);
    });

    test('StaysSmallWithinALineThatNeverEnds', async () => {
      const shim = LineClient.start(host, 'endless');
      try {
        await shim.result('ping');
        for (let i = 0; i < 20; ++i) await shim.written(Buffer.alloc(kMiB, '['));
        const bytes = residentBytes(shim.pid);
        assert.ok(kSanitized || bytes < kResidentBytesMax, `the shim has ${bytes} bytes`);
        await assertAllIsWell();
        await shim.close();
      } finally {
        shim.kill('SIGKILL');
      }
    });

    test('StaysSmallWhenNobodyReadsItsAnswers', async () => {
      const shim = LineClient.start(host, 'deaf');
      try {
        await shim.result('ping');
        shim.pauseStdout();
        const flood = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n'.repeat(1000));
        for (let i = 0; i < 20; ++i) {
          shim.write(flood);  // what the shim does not read stays with us
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        const bytes = residentBytes(shim.pid);
        assert.ok(kSanitized || bytes < kResidentBytesMax, `the shim has ${bytes} bytes`);
        await assertAllIsWell();
      } finally {
        shim.kill('SIGKILL');
        shim.closeStdout();
        await shim.ended();
      }
    });

    test('RefusesMoreCallsThanItCanKeep', async () => {
      const shim = LineClient.start(host, 'greedy');
      try {
        let last;
        for (let i = 0; i < kManyRequests; ++i) {
          last = shim.post('tools/call', { name: 'wait', arguments: { stream: 'never', timeout_ms: 50_000 } });
        }
        const { result } = JSON.parse(await shim.answerTo(last));
        assert.equal(result.isError, true);
        const bytes = residentBytes(shim.pid);
        assert.ok(kSanitized || bytes < kResidentBytesMax, `the shim has ${bytes} bytes`);
        await assertAllIsWell();
        await shim.close({ mayDrop: true });
      } finally {
        shim.kill('SIGKILL');
      }
    });

    test('RefusesMoreSubscriptionsThanItCanKeep', async () => {
      const shim = LineClient.start(host, 'curious');
      try {
        let last;
        for (let i = 0; i < kManyRequests; ++i) {
          const uri = `roost://stream/${i}/${'s'.repeat(100)}`;
          shim.post('subscriptions/listen', { notifications: { resourceSubscriptions: [uri] }, _meta: kModernMeta });
          last = shim.post('resources/subscribe', { uri });
        }
        assert.ok(JSON.parse(await shim.answerTo(last)).error);
        const bytes = residentBytes(shim.pid);
        assert.ok(kSanitized || bytes < kResidentBytesMax, `the shim has ${bytes} bytes`);
        await assertAllIsWell();
        await shim.close({ mayDrop: true });
      } finally {
        shim.kill('SIGKILL');
      }
    });

    test('EndsInTheMidstOfALineWithoutAWord', async () => {
      const shim = LineClient.start(host, 'half');
      await shim.result('ping');
      shim.write('{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{"name":"append","arguments":{"stream":"half","type":"x"}}}'.slice(0, -1));
      await shim.close();
      if (withBroker) assert.deepEqual((await bystander.call('read', { stream: 'half' })).events, []);
    });
  });
}

describeHostileInput('HostileInputWithABroker', true);
describeHostileInput('HostileInputWithoutABroker', false);
