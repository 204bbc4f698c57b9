// The plainest client there is: writes lines to a shim and reads lines from it. For what an SDK would
// not say, and for bytes that JSON.parse would lose.
//
// Everything is judged as it passes (conversation.mjs); close() fails the test if anything was wrong.
import assert from 'node:assert/strict';
import { Conversation } from './conversation.mjs';
import { Child, program, within } from './harness.mjs';
import { textAt } from './json_text.mjs';
import { kModern } from './schema.mjs';

export const kModernMeta = {
  'io.modelcontextprotocol/protocolVersion': kModern,
  'io.modelcontextprotocol/clientInfo': { name: 'line-client', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

export class LineClient {
  conversation = new Conversation();
  #child;
  #rest = [];               // pieces of a line that has not ended yet
  #lines = [];              // of the shim, which nobody has looked at
  #waiting = [];            // {accepts, resolve} of who waits for one
  #nextId = 1;

  #input;

  // `command` is a roost-mcp, or something that passes its stdin and stdout on. `input` is what to write
  // to where options.stdio gives it another stdin than a pipe of its own.
  constructor(command, args, { input, ...options } = {}) {
    this.#child = new Child(command, args, options);
    this.#input = input ?? this.#child.process.stdin;
    this.#input.on('error', () => {});  // it has gone: exit says so
    this.#child.process.stdout.on('data', (chunk) => this.#onData(chunk));
  }

  static start(host, agent) {
    return new LineClient(program('roost-mcp'), host.shimArguments(agent));
  }

  get pid() { return this.#child.pid; }
  get stderr() { return this.#child.stderr; }
  get running() { return this.#child.running; }
  get exit() { return this.#child.exit; }
  ended() { return this.#child.ended('the shim'); }
  kill(signal) { this.#child.process.kill(signal); }
  hangUp() { this.#input.end(); }
  pauseStdout() { this.#child.process.stdout.pause(); }
  closeStdout() { this.#child.process.stdout.destroy(); }

  // Writes text or bytes just as they are; the conversation learns of it unless it is no whole line.
  write(bytes) {
    this.#input.write(bytes);
  }

  // The same, and resolves when the system has taken it.
  written(bytes) {
    const taken = new Promise((resolve) => this.#input.write(bytes, resolve));
    return within('the shim to read on', taken);
  }

  sendLine(line) {
    this.conversation.sent(line);
    this.write(line + '\n');
  }

  // A line, of text or bytes, that is no good message: answered at most once, with this id if there is
  // one that can be made out.
  sendUnreadable(line, id) {
    this.conversation.sentUnreadable(id);
    this.write(Buffer.concat([Buffer.from(line), Buffer.from('\n')]));
  }

  notify(method, params) {
    this.sendLine(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  newId() { return this.#nextId++; }

  // Sends a request with a fresh id and returns the id.
  post(method, params) {
    const id = this.newId();
    this.sendLine(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return id;
  }

  // The whole answer to a request, a legacy one or, with a modern _meta, a modern one.
  async request(method, params) {
    return JSON.parse(await this.answerTo(this.post(method, params)));
  }

  requestModern(method, params = {}) {
    return this.request(method, { ...params, _meta: { ...kModernMeta, ...params._meta } });
  }

  async result(method, params) {
    const answer = await this.request(method, params);
    assert.ok(answer.result, `${method}: ${JSON.stringify(answer.error)}`);
    return answer.result;
  }

  async call(name, args) {
    const result = await this.result('tools/call', { name, arguments: args });
    assert.ok(!result.isError, `${name}: ${result.content[0].text}`);
    return result.structuredContent;
  }

  // The sentence with which a tool refuses its arguments.
  async refusal(name, args) {
    const result = await this.result('tools/call', { name, arguments: args });
    assert.equal(result.isError, true, `${name} accepted ${JSON.stringify(args)}`);
    return result.content[0].text;
  }

  // The line that answers the id, given as a value or as it is written.
  answerTo(id) {
    const written = typeof id === 'number' ? String(id) : id;
    return this.line(`the answer to ${written}`, (line) => textAt(line, 'id') === written);
  }

  // The answer to an id, which came already or will not; undefined if it did not.
  answered(id) {
    const index = this.#lines.findIndex((line) => textAt(line, 'id') === String(id));
    return index < 0 ? undefined : JSON.parse(this.#lines.splice(index, 1)[0]);
  }

  async notification(method) {
    const line = await this.line(`a ${method}`, (text) => JSON.parse(text).method === method);
    return JSON.parse(line);
  }

  // The next line, not yet given out, that is accepted.
  line(what, accepts) {
    const index = this.#lines.findIndex(accepts);
    if (index >= 0) return Promise.resolve(this.#lines.splice(index, 1)[0]);
    const found = new Promise((resolve) => this.#waiting.push({ accepts, resolve }));
    const gone = this.exit.then(({ code, signal }) =>
      assert.fail(`the shim ended (${code} ${signal}) before ${what}; stderr: ${this.stderr}`));
    return within(what, Promise.race([found, gone]));
  }

  async initialize(protocolVersion) {
    const result = await this.result('initialize', {
      protocolVersion, capabilities: {}, clientInfo: { name: 'line-client', version: '1' },
    });
    this.notify('notifications/initialized');
    return result;
  }

  // Hangs up and sees that the shim ends by itself, with nothing wrong in all that it said.
  async close({ mayDrop = false } = {}) {
    this.hangUp();
    assert.deepEqual(await this.ended(), { code: 0, signal: null }, this.stderr);
    this.assertAllWasRight({ mayDrop });
  }

  assertAllWasRight({ mayDrop = false } = {}) {
    this.conversation.ended({ mayDrop });
    assert.deepEqual(this.conversation.problems, [], this.conversation.problems.join('\n'));
    assert.equal(this.#rest.length, 0, 'the shim ended in the midst of a line');
    this.#child.assertNoReport();
  }

  #onData(chunk) {
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10)) {
      const line = this.conversation.received(Buffer.concat([...this.#rest, chunk.subarray(0, end)]));
      this.#rest = [];
      chunk = chunk.subarray(end + 1);
      if (line !== undefined) this.#giveOut(line);
    }
    if (chunk.length > 0) this.#rest.push(chunk);
  }

  #giveOut(line) {
    const index = this.#waiting.findIndex(({ accepts }) => accepts(line));
    if (index < 0) this.#lines.push(line);
    else this.#waiting.splice(index, 1)[0].resolve(line);
  }
}
