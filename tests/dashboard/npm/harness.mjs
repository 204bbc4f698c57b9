// A real roostd, a real roost-dashboard and a real Chromium, all gone with the test that asked for them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as allOf } from 'node:stream/consumers';
import { chromium } from 'playwright-core';

const bin = process.env.ROOST_BIN;
assert.ok(bin, 'ROOST_BIN names the folder of the built programs');

// Waits generously: nothing here measures with a time-out.
export const kPatience = 30_000;

// Starts a program and waits for the line on its stdout that matches.
async function start(name, args, line, environment = {}) {
  const child = spawn(join(bin, name), args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...environment } });
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const match = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (bytes) => {
      text += bytes;
      const found = line.exec(text);
      if (found) resolve(found);
    });
    child.once('error', reject);
    ended.then(({ code, signal }) => reject(new Error(`${name} ended with ${code ?? signal}: ${text}`)));
  });
  return { child, ended, match };
}

export class Place {
  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'roost-dashboard-'));
    this.socket = join(this.directory, 'roost.sock');
    this.started = [];
  }

  // With objectives that no machine is too slow for: a breach would stand among the events of a test.
  async startBroker() {
    const config = join(this.directory, 'roost.toml');
    writeFileSync(config, '[sla]\nobjectives = ["append p99 < 10m over 5m", "availability 0.001% over 1h"]\n');
    this.broker = await start('roostd',
      ['--socket', this.socket, '--data', join(this.directory, 'data'), '--config', config], /\n/);
    this.started.push(this.broker);
  }

  async killBroker() {
    this.broker.child.kill('SIGKILL');
    await this.broker.ended;
  }

  // Returns its address, with the token behind the # if it made one up.
  async startDashboard(args = [], environment = {}) {
    const dashboard = await start('roost', ['--socket', this.socket, 'dashboard', '--listen', '127.0.0.1:0', ...args],
      /(http:\S+)\n/, environment);
    this.started.push(dashboard);
    return dashboard.match[1];
  }

  // Stops the dashboard with this address where it is, or lets it go on.
  stopped(url, stopped) {
    const { child } = this.started.find(({ match }) => match[1] === url);
    child.kill(stopped ? 'SIGSTOP' : 'SIGCONT');
  }

  // What it printed; the other tests go on meanwhile.
  async roost(args, { input = '', agent = 'tester' } = {}) {
    const child = spawn(join(bin, 'roost'), ['--socket', this.socket, ...args], { env: { ...process.env, ROOST_AGENT: agent } });
    const ended = once(child, 'close');
    child.stdin.on('error', () => {});  // it need not read: how it ended says whether all is well
    child.stdin.end(input);
    const [output, errors, [status]] = await Promise.all([allOf(child.stdout), allOf(child.stderr), ended]);
    assert.equal(status, 0, errors);
    return output;
  }

  async append(stream, type, data, options) {
    const batch = JSON.stringify({ stream, type, data });
    await this.roost(['append', '--batch'], { input: batch + '\n', ...options });
  }

  async close() {
    for (const { child, ended } of this.started.reverse()) {
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.ROOST_CHROMIUM ?? '/usr/bin/chromium-headless-shell',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

// A page that tells of all that a page must not do: `faults` stays empty.
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(kPatience);
  const faults = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted Type/i.test(message.text())) faults.push(`policy: ${message.text()}`);
  });
  const origin = new URL(url).origin;
  page.on('request', (request) => {
    if (!request.url().startsWith(origin + '/')) faults.push(`asked elsewhere: ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults, context };
}

// Into the folder that ROOST_SCREENSHOTS names, if it does.
export async function screenshot(page, name) {
  const folder = process.env.ROOST_SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
