// The parts of the page that need no browser.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const load = (name) => import('data:text/javascript,' +
  encodeURIComponent(readFileSync(new URL(`../../../tools/dashboard/page/${name}`, import.meta.url), 'utf8')));
const { indentJson } = await load('json_lines.js');
const { EventStore, kKept } = await load('event_store.js');
const { bytes, count, duration, percent, seconds, short, visible, visibleLines } = await load('format.js');

const events = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => ({ sequence: first + i }));
const sequences = (store) => Array.from({ length: store.size }, (_, i) => store.at(i).sequence);

test('indents JSON without touching a value', () => {
  assert.equal(indentJson('{"a":[1,{"b":{}},[]],"c":"x, {y}: \\"z\\"","a":1e400}'),
    '{\n  "a": [\n    1,\n    {\n      "b": {}\n    },\n    []\n  ],\n  "c": "x, {y}: \\"z\\"",\n  "a": 1e400\n}');
  assert.equal(indentJson(' [ 123456789012345678901234567890 ] '), '[\n  123456789012345678901234567890\n]');
  for (const value of ['null', '"text"', '0.10', '{}', '[]']) assert.equal(indentJson(value), value);
});

test('leaves what is no JSON as it is, and what would become too long', () => {
  for (const text of ['', '{"a":', '}}}]]]', '"never ends', 'a "b" c,d', '['.repeat(50_000), '::,,', '"' + '\\"'.repeat(500_000)]) {
    assert.equal(indentJson(text), text);
  }
  const deep = '['.repeat(300_000) + ']'.repeat(300_000);
  assert.equal(indentJson(deep), deep);
  assert.ok(indentJson('['.repeat(3000) + ']'.repeat(3000)).length < 3000 * 2 * 100, 'indentation ends somewhere');
});

test('keeps the newest first, whatever side they come from', () => {
  const store = new EventStore();
  store.addNewer(events(50, 52));
  store.addOlder(events(40, 49).reverse());
  store.addNewer(events(53, 53));
  assert.deepEqual(sequences(store), events(40, 53).reverse().map((one) => one.sequence));
  for (let i = 0; i < store.size; ++i) assert.equal(store.find(store.at(i).sequence), i);
  assert.equal(store.find(39), -1);
  assert.equal(store.find(54), -1);
  assert.equal(store.forgot, false);
});

test('lets the oldest go when it is full, and takes no older ones then', () => {
  const store = new EventStore();
  store.addOlder(events(1, 10).reverse());
  for (let first = 11; store.size < kKept; first += 1000) store.addNewer(events(first, first + 999));
  const newest = store.at(0).sequence;
  assert.equal(store.size, kKept);
  assert.equal(store.forgot, true);
  assert.equal(store.addOlder(events(1, 1)), false);
  for (let i = 1; i <= 3 * kKept; i += 5000) {
    store.addNewer(events(newest + i, newest + i + 4999));
    assert.equal(store.size, kKept);
    assert.equal(store.at(kKept - 1).sequence, store.at(0).sequence - kKept + 1);
    assert.ok(store.newer.length <= kKept * 1.25 + 5000, 'and the memory with them');
  }
});

test('shows characters that hide or turn the order', () => {
  assert.equal(visible('a\u202eb\u0007\u200b\ufeff\u2066\n'), 'a\\u202eb\\u0007\\u200b\\ufeff\\u2066\\n');
  assert.equal(visibleLines('a\n\tb\r\u202e'), 'a\n\tb\\u000d\\u202e');
  assert.equal(visible('naïve 日本 🐦'), 'naïve 日本 🐦');
});

test('writes figures as people read them', () => {
  assert.deepEqual([0, 0.004, 1.5, 999, 1234, 56_789, 1_234_567, 5e9, NaN].map(short),
    ['0', '0.004', '1.5', '999', '1,234', '56.8 k', '1.23 M', '5 G', '–']);
  assert.deepEqual([0, 1023, 1536, 64 * 2 ** 20, 2 ** 40].map(bytes), ['0 B', '1023 B', '1.5 KiB', '64 MiB', '1 TiB']);
  assert.deepEqual([850, 12_300, 4.56e6, 2e9, 90e9].map(duration), ['850 ns', '12.3 µs', '4.56 ms', '2 s', '1 min']);
  assert.deepEqual([59, 60, 3700, 86400 * 3].map(seconds), ['59 s', '1 min', '1 h 1 min', '3 days']);
  assert.deepEqual([1, 0.5, 0.0123, 0].map(percent), ['100 %', '50 %', '1.23 %', '0 %']);
  assert.equal(count(1234567), '1,234,567');
});
