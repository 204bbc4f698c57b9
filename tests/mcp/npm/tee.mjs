// Stands between a client and a shim: node tee.mjs <directory> <shim> <arguments...>
//
// Passes everything on unchanged and writes it down, one JSON array a line, in <directory>/<pid>.wire,
// each entry before it is passed on:
//   [">", base64]          a line of the client, without its end
//   ["<", base64]          a line of the shim
//   ["eof"]                the client has closed the shim's stdin
//   ["signal", name]       the client has sent a signal, which is passed on
//   ["exit", code, signal] the shim has ended; code is null when a signal ended it
import { spawn } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';
import path from 'node:path';

const [directory, command, ...args] = process.argv.slice(2);
const record = openSync(path.join(directory, `${process.pid}.wire`), 'a', 0o600);
const write = (...entry) => writeSync(record, JSON.stringify(entry) + '\n');

function lineRecorder(mark) {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      write(mark, rest.subarray(0, end).toString('base64'));
      rest = rest.subarray(end + 1);
    }
  };
}

const shim = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
const fromClient = lineRecorder('>');
const fromShim = lineRecorder('<');

process.stdin.on('data', (chunk) => {
  fromClient(chunk);
  shim.stdin.write(chunk);
});
process.stdin.on('end', () => {
  write('eof');
  shim.stdin.end();
});
shim.stdout.on('data', (chunk) => {
  fromShim(chunk);
  process.stdout.write(chunk);
});
shim.stdin.on('error', () => {});      // the shim has gone: "exit" will say so
process.stdout.on('error', () => {});  // the client has gone: stdin will end

process.on('SIGTERM', () => {
  write('signal', 'SIGTERM');
  shim.kill('SIGTERM');
});
shim.on('error', (error) => {
  process.stderr.write(`tee: ${command}: ${error.message}\n`);
  process.exit(1);
});
shim.on('close', (code, signal) => {
  write('exit', code, signal);
  process.exit(code ?? 1);
});
