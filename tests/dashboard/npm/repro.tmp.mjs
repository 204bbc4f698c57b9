import { launchBrowser, openPage, Place } from './harness.mjs';
const batch = (count, make) => Array.from({ length: count }, (_, i) => JSON.stringify(make(i)) + '\n').join('');
const place = new Place();
await place.startBroker();
const [url, browser] = await Promise.all([place.startDashboard(), launchBrowser()]);
const { page } = await openPage(browser, url + '#events');
await page.waitForSelector('#standing[data-level="good"]');
const flood = batch(100_000, (i) => ({ stream: 'many', type: 't', data: { n: i, text: 'some text' } }));
let bad = 0;
for (let r = 0; r < 15; ++r) {
  await page.evaluate(() => { location.hash = '#events'; });
  const f = place.roost(['append', '--batch'], { input: flood });
  await new Promise((res) => setTimeout(res, 100 + Math.random() * 500));
  await place.roost(['append', '--batch'], { agent: 'ada', input: batch(3, (i) => ({ stream: `filter/${r}/${i}`, type: 'even', data: i })) });
  await page.keyboard.press('/');
  await page.fill('[name=stream]', `filter/${r}/*`);
  await page.keyboard.press('Enter');
  const t = Date.now();
  const ok = await page.waitForFunction(() => document.querySelectorAll('#feed .row:not([hidden])').length === 3, null, { timeout: 4000 }).then(() => true, () => false);
  if (!ok) {
    ++bad;
    console.log(r, 'rows:', await page.locator('#feed .row:not([hidden])').allInnerTexts(), await page.locator('#feed-count').innerText(), await page.locator('#filter-error').innerText(), page.url());
  } else console.log(r, 'ok after', Date.now() - t);
  await f; await new Promise((res) => setTimeout(res, 500)); console.log('  later', await page.locator('#feed .row:not([hidden])').count(), await page.locator('#feed .row.skipped:not([hidden])').allInnerTexts());
}
console.log('bad', bad);
await browser.close();
await place.close();
