// Installs what a folder's package-lock.json names, unless just that is installed already: node install_npm.mjs <npm> <folder>
//
// tools/test does the same before it builds; the copy of the lock file in node_modules is their common mark.
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';

// @modelcontextprotocol/client asks for 20, but all of it that the tests use runs with Debian 12's 18.
const kNodeVersionMin = 18;

const [npm, folder] = process.argv.slice(2);
const directory = folder + '/';
const lock = directory + 'package-lock.json';
const mark = directory + 'node_modules/.roost-lock';

function isInstalled() {
  try {
    return readFileSync(mark).equals(readFileSync(lock));
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

if (Number(process.versions.node.split('.')[0]) < kNodeVersionMin) {
  console.error(`node ${process.versions.node} is too old for the tests that use it: they take ${kNodeVersionMin} or newer`);
  process.exit(1);
}
if (!isInstalled()) {
  const { status } = spawnSync(npm, ['ci', '--no-audit', '--no-fund'], { cwd: directory, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  copyFileSync(lock, mark);
}
