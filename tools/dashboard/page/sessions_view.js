// Who is attached, what it costs, and the memory of its process.
import {byId, setText} from '/dom.js';
import {ago, bytes, count, duration, short, visible} from '/format.js';
import {Table} from '/table.js';

const sinceRequest = (row) => row.counters.last_request_ns / 1e6;

export class SessionsView {
  constructor() {
    this.busiest = 1;
    this.table = new Table(byId('sessions'), [
      {title: 'Agent', text: (row) => visible(row.agent), sort: (row) => row.agent, link: (row) => `#events?${new URLSearchParams({agent: row.agent})}`},
      {title: 'Session', number: true, text: (row) => String(row.session), sort: (row) => row.session},
      {title: 'User', number: true, text: (row) => String(row.uid), sort: (row) => row.uid},
      {title: 'Process', number: true, text: (row) => String(row.pid), sort: (row) => row.pid},
      {title: 'Load', number: true, text: (row) => short(row.busy), sort: (row) => row.busy, bar: (row) => row.busy / this.busiest},
      {title: 'Requests / s', number: true, text: (row) => short(row.rates.requests), sort: (row) => row.rates.requests},
      {title: 'Events / s', number: true, text: (row) => short(row.rates.events), sort: (row) => row.rates.events},
      {title: 'Events', number: true, text: (row) => count(row.counters.events), sort: (row) => row.counters.events},
      {title: 'p99', number: true, text: (row) => row.requests_ever.count ? duration(row.requests_ever.p99_ns) : '–', sort: (row) => row.requests_ever.p99_ns},
      {title: 'Refused', number: true, text: (row) => count(row.counters.refused), sort: (row) => row.counters.refused, level: (row) => row.counters.refused > 0 ? 'warn' : 'none'},
      {title: 'Own', number: true, text: (row) => memory(row, 'uss_bytes'), sort: (row) => row.memory?.uss_bytes},
      {title: 'Shared', number: true, text: (row) => memory(row, 'pss_bytes'), sort: (row) => row.memory?.pss_bytes},
      {title: 'Resident', number: true, text: (row) => memory(row, 'resident_bytes'), sort: (row) => row.memory?.resident_bytes},
      {title: 'Last request', number: true, text: (row) => row.counters.last_request_ns ? ago(sinceRequest(row)) : 'none', sort: sinceRequest},
    ], (row) => row.session, 4);
  }

  show(state) {
    const sessions = state.sessions ?? [];
    const all = state.counters?.sessions ?? sessions.length;
    setText(byId('sessions-count'), all > sessions.length ? `the busiest ${count(sessions.length)} of ${count(all)}` : count(all));
    this.busiest = Math.max(1e-9, ...sessions.map((row) => row.busy));
    this.table.show(sessions);
    byId('sessions-none').hidden = sessions.length > 0;
  }
}

const memory = (row, name) => row.memory?.[name] === undefined ? '–' : bytes(row.memory[name]);
