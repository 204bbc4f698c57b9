// Roost's dashboard: views, keys, and the one stream of news that all of them live on.
import {ApiError, follow, get, keepToken, takeTokenFromAddress} from '/api.js';
import {byId, setText} from '/dom.js';
import {EventsView} from '/events_view.js';
import {Overview} from '/overview.js';
import {SessionsView} from '/sessions_view.js';
import {StreamsView} from '/streams_view.js';
import {visible} from '/format.js';

const kViews = ['overview', 'events', 'sessions', 'streams'];
const kAgain = [250, 500, 1000, 2000];  // ms, after so many failures
const kSilence = 15_000;  // ms; the state comes every second, so then the connection is a dead one
const kUnbroken = 3000;  // ms between two states, at most, if none was missed
const kHiddenFor = 10_000;  // ms; then a tab that nobody sees lets its connection go
const kNoAnswer = 'The dashboard’s server does not answer. Trying again.';

takeTokenFromAddress();
const overview = new Overview();
const sessions = new SessionsView();
const streams = new StreamsView();
const events = new EventsView(() => connect());

let view = '';
let state = null;
let standing = null;
let connection = null;
let failures = 0;
let silence = null;  // a timer
let stateCame = -Infinity;
let wantsHistory = true;
let streamsLoaded = 0;

// ---- the stream of news ----

function connect() {
  connection?.abort();
  const mine = connection = new AbortController();
  listen(mine);
  run(mine).catch((error) => {
    if (mine.signal.aborted) return;
    if (error instanceof ApiError && error.status === 401) return askForToken();
    if (error instanceof ApiError && error.status === 400 && !events.refused) {
      events.refuse(error.message);
      return connect();  // for all but the events
    }
    showTrouble(error instanceof ApiError && error.status !== 0 ? error.message : kNoAnswer);
  }).finally(() => {
    if (mine.signal.aborted || byId('ask-token').open) return;
    setTimeout(() => {
      if (connection === mine) connect();
    }, kAgain[Math.min(failures++, kAgain.length - 1)]);
  });
}

// A connection may die without a word, as when the machine slept.
function listen(mine) {
  clearTimeout(silence);
  silence = setTimeout(() => {
    if (connection !== mine || byId('ask-token').open) return;
    ++failures;
    showTrouble(kNoAnswer);
    connect();
  }, kSilence);
}

async function run(mine) {
  if (performance.now() - stateCame > kUnbroken) wantsHistory = true;
  if (wantsHistory) loadHistory(mine);
  await follow(events.followed(), mine.signal, (name, message) => {
    if (mine.signal.aborted) return;
    failures = 0;
    listen(mine);
    if (name === 'log') onLog(message);
    if (name === 'state') onState(message);
    if (name === 'events') events.add(message);
  });
}

function loadHistory(mine) {
  get('/api/history', {}, mine.signal).then((history) => {
    wantsHistory = false;
    overview.setHistory(history);
  }).catch(() => {});
}

function onLog(message) {
  const otherLog = standing?.log_id && message.log_id && (message.log_id !== standing.log_id || message.epoch !== standing.epoch);
  standing = message;
  if (otherLog) events.reset();
  if (message.log_id) events.beginAt(message.after);
  showStanding();
}

function onState(message) {
  state = message;
  stateCame = performance.now();
  overview.addState(state);
  showStanding();
  show();
  if (view === 'streams' && Date.now() - streamsLoaded > 2000) loadStreams();
}

function loadStreams() {
  streamsLoaded = Date.now();
  streams.refresh();
}

function show() {
  if (state === null) return;
  if (view === 'overview') overview.show(state);
  if (view === 'sessions') sessions.show(state);
}

// ---- how it stands ----

function showStanding() {
  const health = state?.health;
  const well = standing?.reachable && (health?.well ?? true);
  let level = well ? 'good' : 'bad';
  let text = well ? 'well' : 'broker unreachable';
  if (standing === null && state === null) [level, text] = ['unknown', 'connecting …'];
  else if (health && !health.well) text = health.state.replaceAll('_', ' ');
  if (health?.state === 'disk_filling' || health?.state === 'sync_stalled') level = 'warn';
  const place = byId('standing');
  if (place.dataset.level !== level) place.dataset.level = level;
  setText(byId('standing-text'), text);
  document.title = level === 'good' ? 'Roost' : `Roost: ${text}`;
  if (health && !health.well) return showTrouble([health.reason, health.advice].filter(Boolean).join('; '));
  showTrouble(standing && !standing.reachable ? standing.why : '');
}

function showTrouble(text) {
  const place = byId('trouble');
  place.hidden = !text;
  setText(place, visible(text ?? ''));
  if (text && connection && failures > 0) {
    byId('standing').dataset.level = 'bad';
    setText(byId('standing-text'), 'no connection');
  }
}

function askForToken() {
  const dialog = byId('ask-token');
  if (!dialog.open) dialog.showModal();
}

byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  keepToken(byId('token-input').value.trim());
  byId('token-input').value = '';
  byId('ask-token').close();
  connect();
});

// ---- views ----

const linkTo = (name) => document.querySelector(`nav a[data-view=${name}]`);

function route() {
  const [name, query = ''] = location.hash.slice(1).split('?');
  const next = kViews.includes(name) ? name : 'overview';
  if (next === 'events') {
    events.setFilter(query);
    linkTo('events').href = location.hash;  // who comes back finds the filter as it was
  }
  if (next === view) return;
  view = next;
  for (const one of kViews) byId(`view-${one}`).hidden = one !== view;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.view === view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.body.dataset.view = view;
  if (view === 'streams' || view === 'events') loadStreams();
  if (view === 'events') events.list.schedule();
  show();
}
addEventListener('hashchange', route);

// ---- keys ----

addEventListener('keydown', (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || document.querySelector('dialog[open]')) return;
  const typing = event.target.closest?.('input, textarea, select');
  if (event.key === 'Escape' && view === 'events' && !byId('detail').hidden) return events.close();
  if (typing) return;
  const number = '1234'.indexOf(event.key);
  if (number >= 0) location.hash = linkTo(kViews[number]).hash;
  else if (event.key === '/') focusFilter();
  else if (event.key === 'f' && view === 'events') events.setFollowing(!events.following);
  else if (event.key === 't') turnTheme();
  else if (event.key === '?') byId('help').showModal();
  else if ('jk'.includes(event.key) && view === 'events' && event.target !== byId('feed')) {
    byId('feed').focus();
    events.list.move(event.key === 'j' ? 1 : -1);
  } else return;
  event.preventDefault();
});

function focusFilter() {
  if (view === 'streams') return byId('stream-filter').elements.prefix.focus();
  if (view !== 'events') location.hash = linkTo('events').hash;
  route();
  byId('filters').elements.stream.focus();
}

byId('help-open').addEventListener('click', () => byId('help').showModal());
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId('main').focus();
});

// ---- light and dark ----

function turnTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  localStorage.setItem('roost-theme', root.dataset.theme);
  for (const chart of overview.charts) chart.draw();
}
const chosenTheme = localStorage.getItem('roost-theme');
if (chosenTheme === 'light' || chosenTheme === 'dark') document.documentElement.dataset.theme = chosenTheme;
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => overview.charts.forEach((chart) => chart.draw()));
byId('theme').addEventListener('click', turnTheme);

// ---- a tab that nobody sees ----

let hiddenSince = null;
document.addEventListener('visibilitychange', onVisibility);
function onVisibility() {
  clearTimeout(hiddenSince);
  if (document.hidden) {
    hiddenSince = setTimeout(() => {
      connection?.abort();
      connection = null;
    }, kHiddenFor);
  } else if (connection === null) {
    connect();
  }
}

route();
if (connection === null) connect();
onVisibility();  // it may have been opened where nobody sees it
