// Installs what package-lock.json names, unless just that is installed already: node install.mjs <npm>
//
// tools/test does the same before it builds; the copy of the lock file in node_modules is their common mark.
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// @modelcontextprotocol/client asks for 20, but all of it that is used here runs with Debian 12's 18.
const kNodeVersionMin = 18;

const directory = fileURLToPath(new URL('.', import.meta.url));
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
  console.error(`node ${process.versions.node} is too old for the MCP clients: it takes ${kNodeVersionMin} or newer`);
  process.exit(1);
}
if (!isInstalled()) {
  const { status } = spawnSync(process.argv[2], ['ci', '--no-audit', '--no-fund'], { cwd: directory, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  copyFileSync(lock, mark);
}
