// The event browser: filters, the list that follows the log, and one event in full.
import {get} from '/api.js';
import {byId, element, setText} from '/dom.js';
import {EventList} from '/event_list.js';
import {EventStore, kKept} from '/event_store.js';
import {ago, bytes, count, visible, visibleLines} from '/format.js';
import {indentJson} from '/json_lines.js';

const kFields = ['stream', 'type', 'agent', 'since'];
const kPage = 1000;  // the first; each is twice the one before
const kPageMax = 4000;  // as the server has it
const kAgainAfter = 1000;  // ms, when a page could not be read
const kHeldBack = 20_000;  // of what comes while the list stands still

export class EventsView {
  // `onFilter()`: the filter is another, so what is followed has to be, too.
  constructor(onFilter) {
    this.onFilter = onFilter;
    this.store = new EventStore();
    this.list = new EventList(byId('feed'), byId('feed-space'), this.store, {
      onOpen: (event) => this.open(event),
      onNearEnd: () => this.loadOlder(),
      onMove: () => this.showBar(),
    });
    this.form = byId('filters');
    this.filter = {};
    this.following = true;
    this.held = [];  // oldest first, while it stands still
    this.heldMissed = 0;
    this.reset();
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.apply();
    });
    this.form.addEventListener('reset', () => setTimeout(() => this.apply()));
    byId('follow').addEventListener('click', () => this.setFollowing(!this.following));
    byId('newer').addEventListener('click', () => {
      this.setFollowing(true);
      this.list.toTop();
    });
    byId('detail-close').addEventListener('click', () => this.close());
    byId('detail-copy').addEventListener('click', () => navigator.clipboard?.writeText(this.shown?.data ?? ''));
  }

  // ---- the filter ----

  // Of the address: "stream=…&type=…".
  setFilter(text) {
    const filter = {};
    for (const [name, value] of new URLSearchParams(text)) {
      if (kFields.includes(name) && value) filter[name] = value;
    }
    if (JSON.stringify(filter) === JSON.stringify(this.filter)) return;
    for (const name of kFields) this.form.elements[name].value = filter[name] ?? '';
    this.filter = filter;
    this.begin();
  }

  apply() {
    const filter = {};
    for (const name of kFields) {
      const value = this.form.elements[name].value.trim();
      if (value) filter[name] = value;
    }
    const text = new URLSearchParams(filter).toString();
    const address = text ? `#events?${text}` : '#events';
    if (location.hash === address) this.begin();
    else location.hash = address;  // and so comes setFilter()
  }

  parameters(further = {}) {
    const {type, ...rest} = this.filter;
    const types = (type ?? '').split(',').map((one) => one.trim()).filter(Boolean).map((one) => ['type', one]);
    return [...Object.entries(rest), ...types, ...Object.entries(further)];
  }

  // ---- what comes ----

  reset() {
    this.store.clear();
    this.held = [];
    this.heldMissed = 0;
    this.oldest = 0;  // looked back to here; 0: not begun
    this.head = 0;
    this.atEnd = false;
    this.page = kPage;
    this.loading?.abort();
    this.loading = null;
    clearTimeout(this.again);
    this.again = null;  // a timer, while it waits after a failure
    this.list.clear();
  }

  begin() {
    this.reset();
    this.refused = false;
    this.list.toTop();
    this.showError('');
    this.onFilter();
  }

  // The stream of events begins behind `after`: what is before is read backwards. Also after a broken connection.
  async beginAt(after) {
    if (this.oldest === 0 && !this.refused) {
      this.oldest = after + 1;
      this.head = after;
      await this.loadOlder();
    }
  }

  // The server makes nothing of the filter: nothing is shown until it is another.
  refuse(message) {
    this.refused = true;
    this.showError(message);
  }

  // What to follow: after a broken connection from where it broke on.
  followed() {
    if (this.refused) return [];
    return this.parameters(this.oldest === 0 ? {} : {after: this.head});
  }

  add(page) {
    if (this.refused) return;
    this.head = Math.max(this.head, page.next, page.skipped?.last ?? 0);
    const events = page.events;
    if (page.gap) events.unshift(marker(page.gap.last, `events ${count(page.gap.first)} to ${count(page.gap.last)} are no longer there`));
    if (page.skipped) events.push(marker(page.skipped.last, `they come too quickly to be shown: ${count(page.skipped.last - page.skipped.first + 1)} were passed over`));
    if (this.following) return this.take(events);
    this.held.push(...events);
    if (this.held.length > kHeldBack) this.heldMissed += this.held.splice(0, this.held.length - kHeldBack).length;
    this.showBar();
  }

  take(events) {
    if (events.length === 0) return;
    this.store.addNewer(events);
    this.list.changed(events.length);
  }

  async loadOlder() {
    if (this.loading || this.again || this.atEnd || this.oldest === 0) return;
    const loading = this.loading = new AbortController();
    try {
      const page = await get('/api/events', this.parameters({order: 'newest', before: this.oldest, limit: this.page}), loading.signal);
      if (this.loading !== loading) return;
      const room = this.store.addOlder(page.events);
      this.oldest = page.next;
      this.page = Math.min(2 * this.page, kPageMax);
      this.atEnd = !room || !page.more || page.next <= 1;
      this.loading = null;
      this.showError('');
      this.list.changed();  // and so come still older ones, while the end is near
    } catch (error) {
      if (loading.signal.aborted) return;
      this.loading = null;
      this.showError(error.message);
      this.atEnd = error.status === 400;
      if (this.atEnd) return;
      this.again = setTimeout(() => {
        this.again = null;
        this.list.changed();
      }, kAgainAfter);
    }
  }

  setFollowing(following) {
    this.following = following;
    byId('follow').setAttribute('aria-pressed', following);
    setText(byId('follow'), following ? 'Following' : 'Follow');
    if (following) {
      const held = this.held;
      if (this.heldMissed > 0) held.unshift(marker(held[0].sequence - 1, `${count(this.heldMissed)} that came meanwhile were not kept`));
      this.held = [];
      this.heldMissed = 0;
      this.take(held);
    }
    this.showBar();
  }

  showBar() {
    const held = this.held.length + this.heldMissed;
    const newer = byId('newer');
    newer.hidden = this.list.atTop && held === 0;
    setText(newer, held > 0 ? `↑ ${count(held)} new` : '↑ To the newest');
    const size = this.store.size;
    const kept = this.store.forgot || size >= kKept ? `; the browser keeps ${count(kKept)}` : '';
    const end = this.atEnd && size < kKept ? ', all that there are' : '';
    setText(byId('feed-count'), size === 0 && this.atEnd ? 'no event matches' : `${count(size)} loaded${end}${kept}`);
  }

  showError(message) {
    const place = byId('filter-error');
    place.hidden = message === '';
    setText(place, message);
  }

  // ---- one event ----

  async open(event) {
    if (event.skipped !== undefined) return;
    const detail = byId('detail');
    const wasHidden = detail.hidden;
    detail.hidden = false;
    document.body.classList.add('with-detail');
    this.showEvent(event);
    if (wasHidden) this.list.schedule();
    if (matchMedia('(max-width: 899px)').matches) detail.focus();
    if (!event.cut) return;
    try {
      const whole = await get('/api/event', {sequence: event.sequence});
      if (this.shown === event) this.showEvent(whole);
    } catch (error) {
      if (this.shown === event) setText(byId('detail-data'), error.message);
    }
  }

  showEvent(event) {
    this.shown = event;
    setText(byId('detail-title'), `Event ${count(event.sequence)}`);
    const filterBy = (name, value) => element('a', {href: `#events?${new URLSearchParams({[name]: value})}`}, visible(value));
    const fields = [
      ['Stream', filterBy('stream', event.stream)], ['Revision', count(event.revision)], ['Type', filterBy('type', event.type)],
      ['Agent', filterBy('agent', event.agent)], ['Session', event.session === 0 ? 'the broker’s' : count(event.session)],
      ['User', `uid ${event.uid}`], ['Time', element('span', {title: event.time}, `${event.time.slice(0, 23).replace('T', ' ')} UTC, ${ago(event.time)}`)],
      ['Id', event.id], ['Correlation', event.correlation_id], ['Causation', event.causation_id],
      ['Content', event.content_type], ['Size', bytes(event.bytes)],
    ];
    byId('detail-fields').replaceChildren(...fields.filter(([, value]) => value !== undefined).flatMap(
      ([name, value]) => [element('dt', {}, name), element('dd', {}, typeof value === 'string' ? visible(value) : value)]));
    const data = event.data ?? '';
    setText(byId('detail-data'), event.kind === 'json' && !event.cut ? visibleLines(indentJson(data)) : visibleLines(data));
  }

  close() {
    byId('detail').hidden = true;
    document.body.classList.remove('with-detail');
    this.shown = null;
    byId('feed').focus();
    this.list.schedule();
  }
}

// A line in the list that is no event. `sequence` keeps the order.
const marker = (sequence, text) => ({sequence, skipped: text});
