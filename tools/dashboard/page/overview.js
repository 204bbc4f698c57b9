// Rates and latencies of the last ten minutes, the broker in figures, its objectives, what it found usual, and the groups.
import {Chart} from '/chart.js';
import {byId, element, setText} from '/dom.js';
import {ago, bytes, count, counted, duration, percent, short, visible} from '/format.js';
import {Table} from '/table.js';

const kSpan = 600;  // seconds
const kPoints = 620;

// What charts show: how it is found in a state and in a history's columns.
const kSeries = {
  events: ['rates', 'events_appended'],
  bytes: ['rates', 'bytes_appended'],
  requests: ['rates', 'requests'],
  refused: ['rates', 'requests_refused'],
  wakeups: ['rates', 'wakeups'],
  cpu: ['cpu'],
  ...latency('append'), ...latency('client_read'), ...latency('journal_write'), ...latency('journal_sync'),
};
function latency(name) {
  return {[`${name}_p50`]: ['latencies', name, 'p50_ns'], [`${name}_p99`]: ['latencies', name, 'p99_ns']};
}

const objectiveLevel = (state) => ({met: 'good', breached: 'bad'})[state] ?? 'unknown';

export class Overview {
  constructor() {
    this.times = [];
    this.points = Object.fromEntries(Object.keys(kSeries).map((name) => [name, []]));
    const of = (name, color, title = '', area = false) => ({name: title, color, area, values: () => this.points[name]});
    const make = (options) => new Chart({span: kSpan, times: this.times, ...options});
    const quantiles = (name) => [of(`${name}_p50`, 'series-1', 'p50'), of(`${name}_p99`, 'series-2', 'p99')];
    this.charts = [
      make({title: 'Events / s', format: short, series: [of('events', 'series-1', 'events', true)]}),
      make({title: 'Append', note: 'From a request received to its answer sent', format: duration, log: true, series: quantiles('append')}),
      make({title: 'Read', note: 'A call of an agent, as its MCP server reports it', format: duration, log: true, series: quantiles('client_read')}),
      make({title: 'Bytes / s', format: bytes, binary: true, series: [of('bytes', 'series-1', 'bytes', true)]}),
      make({title: 'Journal', note: 'p99 of writing, and of fdatasync', format: duration, log: true,
        series: [of('journal_write_p99', 'series-1', 'write p99'), of('journal_sync_p99', 'series-2', 'sync p99')]}),
      make({title: 'Requests / s', format: short,
        series: [of('requests', 'series-1', 'all', true), of('wakeups', 'series-3', 'wake-ups'), of('refused', 'series-4', 'refused')]}),
    ];
    byId('charts').append(...this.charts.map((chart) => chart.node));
    this.facts = new Map();
    this.objectives = new Table(byId('sla'), [
      {title: 'Objective', text: (row) => row.text},
      {title: 'State', text: (row) => row.state.replace('_', ' '), level: (row) => objectiveLevel(row.state)},
      {title: 'Measured', number: true, text: measured},
      {title: 'Budget left', number: true, text: (row) => row.state === 'not_judged' ? '–' : percent(row.budget_left), bar: (row) => Math.max(0, row.budget_left)},
      {title: 'Burn rate', number: true, text: (row) => row.state === 'not_judged' ? '–' : `${short(row.burn_rate)} ×`},
      {title: 'Breaches', number: true, text: (row) => count(row.breaches)},
    ], (row) => row.text);
    this.baselines = new Table(byId('baselines'), [
      {title: 'Of', text: (row) => row.name.replaceAll('_', ' '), sort: (row) => row.name},
      {title: 'State', text: (row) => row.state === 'learning' ? `learning, ${count(row.learned)} of ${count(row.needed)} minutes` : row.state,
        sort: (row) => row.state, level: (row) => ['up', 'down'].includes(row.state) ? 'warn' : 'none'},
      {title: 'Usual', number: true, text: (row) => usual(row, row.usual)},
      {title: 'Now', number: true, text: (row) => usual(row, row.current)},
      {title: 'Shifts', number: true, text: (row) => count(row.shifts), sort: (row) => row.shifts},
    ], (row) => row.name);
    this.groups = new Table(byId('groups'), [
      {title: 'Stream', text: (row) => visible(row.stream), sort: (row) => row.stream, link: (row) => `#events?${new URLSearchParams({stream: row.stream})}`},
      {title: 'Group', text: (row) => visible(row.group), sort: (row) => row.group},
      {title: 'Lag', number: true, text: (row) => count(row.lag), sort: (row) => row.lag},
      {title: 'Done a second', number: true, text: (row) => short(row.settled_per_second), sort: (row) => row.settled_per_second},
      {title: 'Taken', number: true, text: (row) => count(row.taken), sort: (row) => row.taken},
      {title: 'Parked', number: true, text: (row) => count(row.parked), sort: (row) => row.parked, level: (row) => row.parked > 0 ? 'warn' : 'none'},
      {title: 'Consumers', number: true, text: (row) => count(row.consumers), sort: (row) => row.consumers},
    ], (row) => `${row.stream}\n${row.group}`, 2);
  }

  // The columns of the last ten minutes, in place of what there is.
  setHistory(history) {
    this.times.length = 0;
    for (const name of Object.keys(kSeries)) {
      let column = history;
      for (const key of kSeries[name]) column = column?.[key];
      const hasCount = kSeries[name][0] === 'latencies' ? history.latencies?.[kSeries[name][1]]?.count : null;
      this.points[name].length = 0;
      for (let i = 0; i < history.time_ms.length; ++i) {
        const known = history.seconds[i] > 0 && column && (!hasCount || hasCount[i] > 0);
        this.points[name].push(known ? column[i] : NaN);
      }
    }
    this.times.push(...history.time_ms);
    for (const chart of this.charts) chart.update();
  }

  addState(state) {
    const time = Date.parse(state.time);
    if (this.times.length > 0 && time <= this.times[this.times.length - 1]) return;
    this.times.push(time);
    for (const [name, path] of Object.entries(kSeries)) {
      let value = path[0] === 'cpu' ? state.broker?.cpu : state;
      if (path[0] === 'latencies') {
        const quantiles = state.latencies?.[path[1]];
        value = quantiles?.count > 0 ? quantiles[path[2]] : NaN;
      } else if (path[0] !== 'cpu') {
        for (const key of path) value = value?.[key];
      }
      this.points[name].push(state.seconds > 0 && value !== undefined ? value : NaN);
    }
    if (this.times.length > kPoints) {
      for (const values of [this.times, ...Object.values(this.points)]) values.splice(0, values.length - kPoints);
    }
  }

  show(state) {
    for (const chart of this.charts) chart.update();
    const counters = state.counters ?? {};
    const broker = state.broker ?? {};
    const known = state.broker !== undefined;
    const facts = [
      ['Events', known ? count(counters.head) : '–', known ? `${short(state.rates.events_appended)} a second` : ''],
      ['Sessions', known ? count(counters.sessions) : '–', known ? `${count(counters.waits)} waiting` : ''],
      ['Streams', known ? count(counters.streams) : '–', known ? counted(counters.groups, 'group') : ''],
      ['Claims', known ? count(counters.leases) : '–', known ? counted(counters.lease_keys, 'key') : ''],
      ['Journal', known ? bytes(counters.journal_bytes) : '–', counters.disk_total_bytes ? `${bytes(counters.disk_free_bytes)} free` : broker.durability ?? ''],
      ['Broker', known ? bytes(broker.resident_bytes) : '–', known ? `${percent(broker.cpu)} of a processor` : ''],
      ['Up', known ? ago(broker.started).replace(' ago', '') : '–', known ? `version ${broker.version}, ${broker.durability}` : ''],
    ];
    for (const [name, value, note] of facts) {
      if (!this.facts.has(name)) {
        const fact = element('div', {}, element('dt', {}, name), element('dd'), element('dd', {class: 'muted'}));
        byId('facts').append(fact);
        this.facts.set(name, fact);
      }
      const [, big, small] = this.facts.get(name).children;
      setText(big, value);
      setText(small, note);
    }
    this.objectives.show(state.objectives ?? []);
    byId('sla-none').hidden = (state.objectives ?? []).length > 0;
    this.baselines.show(state.baselines ?? []);
    byId('baselines-panel').hidden = (state.baselines ?? []).length === 0;
    this.groups.show(state.groups ?? []);
    byId('groups-none').hidden = (state.groups ?? []).length > 0;
  }
}

function measured(row) {
  if (row.state === 'not_judged') return '–';
  return row.kind === 'availability' ? percent(row.measured) : duration(row.measured);
}

const usual = (row, value) => value === 0 ? '–' : row.is_rate ? `${short(value)} / s` : duration(value);
