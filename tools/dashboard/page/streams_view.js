// The streams that were written to last.
import {get} from '/api.js';
import {byId, element, setText} from '/dom.js';
import {ago, count, visible} from '/format.js';
import {Table} from '/table.js';

export class StreamsView {
  constructor() {
    this.table = new Table(byId('streams'), [
      {title: 'Stream', text: (row) => visible(row.name), sort: (row) => row.name, link: (row) => `#events?${new URLSearchParams({stream: row.name})}`},
      {title: 'Events', number: true, text: (row) => count(row.revision), sort: (row) => row.revision},
      {title: 'Last event', number: true, text: (row) => count(row.last_sequence), sort: (row) => row.last_sequence},
      {title: 'When', number: true, text: (row) => ago(row.last_time), sort: (row) => row.last_sequence, title_of: (row) => row.last_time},
    ], (row) => row.name, 3);
    this.form = byId('stream-filter');
    this.form.addEventListener('submit', (event) => event.preventDefault());
    this.form.addEventListener('input', () => {
      clearTimeout(this.later);
      this.later = setTimeout(() => this.load(), 150);
    });
  }

  // For the time being, unless an answer is still to come: a slow one would never come if it were always asked for anew.
  refresh() {
    if (!this.loading) this.load();
  }

  async load() {
    this.loading?.abort();
    const loading = this.loading = new AbortController();
    const prefix = this.form.elements.prefix.value;
    try {
      const {streams, total} = await get('/api/streams', prefix ? {prefix} : {}, loading.signal);
      if (this.loading !== loading) return;
      this.table.show(streams);
      byId('streams-none').hidden = streams.length > 0;
      setText(byId('streams-count'), streams.length < total && !prefix ? `the latest ${count(streams.length)} of ${count(total)}` : count(streams.length));
      if (!prefix) byId('stream-names').replaceChildren(...streams.slice(0, 100).map(({name}) => element('option', {value: name})));
    } catch {
      /* what is wrong stands at the top of the page */
    } finally {
      if (this.loading === loading) this.loading = null;
    }
  }
}
