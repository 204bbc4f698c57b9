// What the tests of roost-mcp share: a broker in a scratch directory, shims whose every word is written
// down and judged, and waiting without guessing times.
//
// ROOST_BIN names the directory of roostd and roost-mcp. ROOST_SANITIZER, if not empty, says that they
// are built with a sanitizer, so that their size says nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Conversation } from './conversation.mjs';

// Long enough for a sanitizer build on a busy machine; what waits this long has failed.
export const kPatienceMs = 60_000;
export const kSanitized = Boolean(process.env.ROOST_SANITIZER);

const kTee = fileURLToPath(new URL('tee.mjs', import.meta.url));

export function program(name) {
  assert.ok(process.env.ROOST_BIN, 'set ROOST_BIN to the directory of roostd and roost-mcp, such as build/debug/bin');
  const file = path.resolve(process.env.ROOST_BIN, name);
  assert.ok(existsSync(file), `${file} has not been built`);
  return file;
}

// Asks again and again until the answer is neither false nor undefined, and returns it.
export async function until(what, ask) {
  const deadline = Date.now() + kPatienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer;
    assert.ok(Date.now() < deadline, `waited ${kPatienceMs} ms in vain: ${what}`);
    await sleep(10);
  }
}

// A promise's outcome, or a failure that says what did not come.
export async function within(what, promise) {
  const controller = new AbortController();
  const late = sleep(kPatienceMs, undefined, { signal: controller.signal }).then(
    () => assert.fail(`waited ${kPatienceMs} ms in vain: ${what}`), () => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    controller.abort();
  }
}

const kReportOfASanitizer = /Sanitizer|runtime error:|check failed/;
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

// A child process whose stderr is kept and which does not outlive the tests.
export class Child {
  stderr = '';

  constructor(command, args, { stdio, env } = {}) {
    this.process = spawn(command, args, { stdio: stdio ?? ['pipe', 'pipe', 'pipe'], env: env ?? process.env });
    running.add(this.process);
    this.process.stderr.on('data', (chunk) => { this.stderr += chunk; });
    this.exit = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        running.delete(this.process);
        resolve({ code, signal });
      });
    });
  }

  get pid() { return this.process.pid; }
  get running() { return this.process.exitCode === null && this.process.signalCode === null; }
  ended(what) { return within(`${what} to end; stderr: ${this.stderr}`, this.exit); }

  assertNoReport() {
    assert.doesNotMatch(this.stderr, kReportOfASanitizer);
  }
}

// A scratch directory with a place for one broker and for what its shims have said.
export class Host {
  #brokers = [];

  constructor() {
    this.directory = mkdtempSync(path.join(tmpdir(), 'roost-mcp-'));
    this.socket = path.join(this.directory, 'roost.sock');
    this.wires = path.join(this.directory, 'wires');
    mkdirSync(this.wires);
  }

  get broker() { return this.#brokers.at(-1); }

  // Without objectives: a breach would stand in the log, between what a test appends.
  async startBroker(...args) {
    const config = path.join(this.directory, 'roost.toml');
    writeFileSync(config, '[sla]\nobjectives = []\n');
    const broker = new Child(
      program('roostd'),
      ['--socket', this.socket, '--data', path.join(this.directory, 'data'), '--config', config, '--ready-fd', '3', ...args],
      { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    this.#brokers.push(broker);
    const ready = new Promise((resolve) => broker.process.stdio[3].once('data', resolve));
    const what = await within('roostd to be ready', Promise.race([ready, broker.exit]));
    assert.ok(Buffer.isBuffer(what), `roostd ended instead of getting ready: ${broker.stderr}`);
  }

  async killBroker() {
    this.broker.process.kill('SIGKILL');
    await this.broker.ended('roostd');
  }

  async stopBroker() {
    if (!this.broker) return;  // it never started, which has been reported
    this.broker.process.kill('SIGTERM');
    const { code, signal } = await this.broker.ended('roostd');
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, this.broker.stderr);
  }

  shimArguments(agent) {
    return ['--socket', this.socket, '--agent', agent];
  }

  // What an SDK's transport is to start: a shim behind a tee.
  shimBehindTee(agent) {
    return {
      command: process.execPath,
      args: [kTee, this.wires, program('roost-mcp'), ...this.shimArguments(agent)],
    };
  }

  // All that passed through tees so far, in the order in which the conversations began.
  conversations() {
    return readdirSync(this.wires).filter((file) => file.endsWith('.wire')).map((file) => readWire(path.join(this.wires, file)));
  }

  // Every message that a shim behind a tee has sent was right, all requests were answered (or not, with
  // mayDrop), and every one of those shims has ended by itself; only a shim to which its client also sent
  // a signal, as client 2.x does to the one that it merely asks for its revisions, may have ended by that.
  async assertAllWasRight({ mayDrop = false } = {}) {
    await until('all shims behind tees to end', () => this.conversations().every((wire) => wire.exit));
    for (const wire of this.conversations()) {
      wire.conversation.ended({ mayDrop: mayDrop || wire.signalled });
      assert.deepEqual(wire.conversation.problems, [], wire.conversation.problems.join('\n'));
      const ends = wire.signalled ? ['0 null', 'null SIGTERM'] : ['0 null'];
      assert.ok(ends.includes(`${wire.exit.code} ${wire.exit.signal}`), `a shim ended with ${JSON.stringify(wire.exit)}`);
    }
    for (const broker of this.#brokers) broker.assertNoReport();
  }

  async dispose() {
    for (const broker of this.#brokers) {
      if (broker.running) broker.process.kill('SIGKILL');
      await broker.exit;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function readWire(file) {
  const conversation = new Conversation();
  const wire = { conversation, signalled: false, exit: undefined };
  for (const entry of readFileSync(file, 'utf8').split('\n')) {
    if (entry === '') continue;
    const [mark, value, signal] = JSON.parse(entry);
    if (mark === '>') conversation.sent(Buffer.from(value, 'base64').toString('utf8'));
    if (mark === '<') conversation.received(Buffer.from(value, 'base64'));
    if (mark === 'signal') wire.signalled = true;
    if (mark === 'exit') wire.exit = { code: value, signal };
  }
  return wire;
}
