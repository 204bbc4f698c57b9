// When roost-mcp ends: at once, whatever it is doing, and by itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createWriteStream, existsSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Host, program, until } from './harness.mjs';
import { LineClient } from './line_client.mjs';

const kNeverMs = 50_000;

const host = new Host();
before(() => host.startBroker());
after(async () => {
  await host.stopBroker();
  await host.dispose();
});

async function shimThatWaits(shim = LineClient.start(host, 'wire')) {
  await shim.initialize('2025-11-25');
  await shim.call('append', { stream: 'used', type: 'x' });
  await shim.result('resources/subscribe', { uri: 'roost://stream/used' });
  shim.post('tools/call', { name: 'wait', arguments: { stream: 'never', timeout_ms: kNeverMs } });
  await shim.result('ping');
  return shim;
}

describe('Shim', () => {
  test('EndsWhenItsStdinEnds', async () => {
    const shim = await shimThatWaits();
    await shim.close({ mayDrop: true });
  });

  test('EndsWhenItsStdinEndsBeforeAnything', async () => {
    const shim = LineClient.start(host, 'wire');
    await shim.close();
  });

  test('AnswersWhatCameBeforeTheEndOfStdin', async () => {
    const shim = LineClient.start(host, 'wire');
    const id = shim.post('tools/list');
    shim.hangUp();
    await shim.answerTo(id);
    await shim.close();
  });

  test('EndsAtOnceOnSigterm', async () => {
    const shim = await shimThatWaits();
    shim.kill('SIGTERM');
    const { code, signal } = await shim.ended();
    assert.ok(signal === 'SIGTERM' || code === 0, `${code} ${signal}`);
    shim.assertAllWasRight({ mayDrop: true });
  });

  test('EndsWhenNobodyReadsItsStdout', async () => {
    const shim = await shimThatWaits();
    shim.closeStdout();
    for (let i = 0; i < 3; ++i) shim.post('ping');
    const { code, signal } = await shim.ended();
    assert.ok(signal === null && code !== null, `${code} ${signal}`);
  });

  // A shell between client and shim is killed. Stdin is a FIFO that this process keeps open: the pipe of
  // a child process would be closed with the shell.
  test('EndsWithItsParentAlthoughStdinStaysOpen', async () => {
    const fifo = path.join(host.directory, 'stdin');
    execFileSync('mkfifo', [fifo]);
    const fd = openSync(fifo, 'r+');
    const script = 'exec 3<&0; "$0" "$@" <&3 3<&- & echo "shim=$!" >&2; wait';
    const args = ['-c', script, program('roost-mcp'), ...host.shimArguments('orphan')];
    const input = createWriteStream(fifo, { fd });
    const shim = await shimThatWaits(new LineClient('/bin/sh', args, { stdio: [fd, 'pipe', 'pipe'], input }));
    const pid = Number(shim.stderr.match(/shim=(\d+)/)[1]);
    assert.ok(isRunning(pid));
    shim.kill('SIGKILL');
    await until('the orphan to end', () => !isRunning(pid));
    await shim.ended();
    input.destroy();
  });

  test('LivesOnWhenTheBrokerIsKilled', async () => {
    const own = new Host();
    try {
      await own.startBroker();
      const shim = LineClient.start(own, 'wire');
      await shimThatWaits(shim);
      await own.killBroker();
      await shim.result('ping');
      await shim.close({ mayDrop: true });
    } finally {
      await own.dispose();
    }
  });
});

function isRunning(pid) {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return false;
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}
