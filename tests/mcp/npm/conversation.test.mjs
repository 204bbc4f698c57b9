// The judge itself: a conversation finds nothing in good messages, and what is wrong in bad ones.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Conversation } from './conversation.mjs';
import { children, textAt } from './json_text.mjs';
import { kModernMeta } from './line_client.mjs';

const kServerInfo = '"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"roost","version":"1"}}';

function judge(...lines) {
  const conversation = new Conversation();
  for (const [mark, line] of lines) {
    if (mark === '>') conversation.sent(typeof line === 'string' ? line : JSON.stringify(line));
    else conversation.received(Buffer.from(line));
  }
  conversation.ended();
  return conversation.problems;
}

const ask = (method, params, id = 1) => ['>', { jsonrpc: '2.0', id, method, params }];
const askModern = (method, params = {}, id = 1) => ask(method, { ...params, _meta: kModernMeta }, id);
const answer = (result, id = 1) => ['<', `{"jsonrpc":"2.0","id":${id},"result":${result}}`];
const call = ask('tools/call', { name: 'read' });

describe('Conversation', () => {
  const kGood = {
    'a ping': [ask('ping'), answer('{}')],
    'a call': [call, answer('{"content":[{"type":"text","text":"{\\"a\\":1e400}"}],"structuredContent":{"a":1e400}}')],
    'a refused call': [call, answer('{"content":[{"type":"text","text":"no"}],"structuredContent":{"error":"no"},"isError":true}')],
    'a modern call': [
      askModern('tools/call', { name: 'read' }),
      answer(`{"content":[{"type":"text","text":"{}"}],"structuredContent":{},"resultType":"complete",${kServerInfo}}`)],
    'a legacy update': [['<', '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"roost://streams"}}']],
    'an error without id': [['>', 'nonsense'], ['<', '{"jsonrpc":"2.0","error":{"code":-32700,"message":"what?"}}']],
    'an answer to a big id': [['>', '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}'], answer('{}', '9007199254740993')],
    'silence to a cancelled request': [call, ['>', '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}']],
  };
  for (const [what, lines] of Object.entries(kGood)) {
    test(`FindsNothingIn ${what}`, () => assert.deepEqual(judge(...lines), []));
  }

  const kBad = {
    'text that is not JSON': [/not one JSON object/, ['<', 'Roost 1.0 is ready']],
    'an array': [/not one JSON object/, ['<', '[{"jsonrpc":"2.0","id":1,"result":{}}]']],
    'bytes that are not UTF-8': [/not UTF-8/, ['<', Buffer.from([0x22, 0xff, 0x22])]],
    'an answer that nobody asked for': [/nobody asked/, answer('{}')],
    'a second answer': [/nobody asked/, ask('ping'), answer('{}'), answer('{}')],
    'another type of id': [/nobody asked/, ask('ping'), answer('{}', '"1"')],
    'a rounded id': [/nobody asked/, ['>', '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}'], answer('{}', '9007199254740992')],
    'no answer': [/never answered/, ask('ping')],
    'a member too many': [/unexpected member "era"/, ask('ping'), ['<', '{"jsonrpc":"2.0","id":1,"result":{},"era":1}']],
    'a result of the wrong type': [/tools/, ask('tools/list'), answer('{}')],
    'an unfit version': [/jsonrpc/, ask('ping'), ['<', '{"jsonrpc":"1.0","id":1,"result":{}}']],
    'an error without a message': [/message/, ask('ping'), ['<', '{"jsonrpc":"2.0","id":1,"error":{"code":-32601}}']],
    'an error with a wrong code': [/code/, ask('ping'), ['<', '{"jsonrpc":"2.0","id":1,"error":{"code":"x","message":"y"}}']],
    'an error without id that nothing deserves': [/deserves/, ['<', '{"jsonrpc":"2.0","error":{"code":-32700,"message":"what?"}}']],
    'a call without structuredContent': [/without structuredContent/, call, answer('{"content":[{"type":"text","text":"{}"}]}')],
    'a text that differs': [/differ/, call, answer('{"content":[{"type":"text","text":"{}"}],"structuredContent":{"a":1}}')],
    'a text that differs by rounding': [/differ/, call, answer('{"content":[{"type":"text","text":"{\\"a\\":9007199254740992}"}],"structuredContent":{"a":9007199254740993}}')],
    'a legacy result in modern dress': [/legacy result with resultType/, ask('ping'), answer('{"resultType":"complete"}')],
    'a modern result without resultType': [/resultType/, askModern('tools/call', { name: 'read' }), answer(`{"content":[{"type":"text","text":"{}"}],"structuredContent":{},${kServerInfo}}`)],
    'a modern list without ttlMs': [/ttlMs/, askModern('resources/list'), answer(`{"resources":[],"resultType":"complete","cacheScope":"public",${kServerInfo}}`)],
    'a modern result without serverInfo': [/serverInfo/, askModern('tools/call', { name: 'read' }), answer('{"content":[{"type":"text","text":"{}"}],"structuredContent":{},"resultType":"complete"}')],
    'a legacy error in the modern era': [/-32002/, askModern('resources/read', { uri: 'x' }), ['<', '{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"none"}}']],
    'an update of a listen that is not open': [/not open/, ['<', '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"roost://streams","_meta":{"io.modelcontextprotocol/subscriptionId":"x"}}}']],
    'an update without uri': [/uri/, ['<', '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{}}']],
    'a notification that Roost does not send': [/does not send/, ['<', '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}']],
    'tools that take too much room': [/bytes/, ask('tools/list'), answer(`{"tools":[{"name":"a","description":"${'d'.repeat(7000)}","inputSchema":{"type":"object"}}]}`)],
    'a tool whose schema is none': [/tool a/, ask('tools/list'), answer('{"tools":[{"name":"a","description":"d","inputSchema":{"type":"object","properties":{"x":{"type":"nonsense"}}}}]}')],
  };
  for (const [what, [expected, ...lines]] of Object.entries(kBad)) {
    test(`Objects to ${what}`, () => assert.match(judge(...lines).join('\n'), expected));
  }

  test('KnowsWhatWasAnsweredAfterItWasCancelled', () => {
    const conversation = new Conversation();
    conversation.sent('{"jsonrpc":"2.0","id":1,"method":"ping"}');
    conversation.sent('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
    conversation.received(Buffer.from('{"jsonrpc":"2.0","id":1,"result":{}}'));
    assert.equal(conversation.answeredAfterCancel.length, 1);
  });
});

describe('JsonText', () => {
  const text = '  {"a" : 1e400 , "b":{"c":[1, "]}\\"" ,{"x":[]}]}, "e":[ ] ,"f":"\\u00e9", "g":{} } ';

  test('GivesChildrenAsTheyAreWritten', () => {
    assert.deepEqual([...children(text)], [
      ['a', '1e400'], ['b', '{"c":[1, "]}\\"" ,{"x":[]}]}'], ['e', '[ ]'], ['f', '"\\u00e9"'], ['g', '{}'],
    ]);
  });

  test('FollowsAPath', () => {
    assert.equal(textAt(text, 'b', 'c', 1), '"]}\\""');
    assert.equal(textAt(text, 'b', 'c', 2, 'x'), '[]');
    assert.equal(textAt(text, 'b', 'd'), undefined);
    assert.equal(textAt(text, 'a', 'b'), undefined);
  });

  test('PassesOverDeepNesting', () => {
    assert.equal(textAt(`{"d":${'['.repeat(1e6)}${']'.repeat(1e6)},"id":7}`, 'id'), '7');
  });
});
