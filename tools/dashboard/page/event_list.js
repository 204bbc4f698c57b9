// Shows an EventStore as a list of which only the rows in sight, and a few beside them, are elements: a hundred thousand events
// cost as much as fifty. What comes is shown once a frame. The reader's place stays where it is while events come above it.
import {element, setText} from '/dom.js';
import {clock, visible} from '/format.js';

const kBeside = 8;  // rows above and below those in sight
const kAhead = 300;  // so many rows before the oldest comes into sight, older ones are asked for

export class EventList {
  // `onOpen(event)`: Enter or a click; `onNearEnd()`: the oldest that is loaded comes near; `onMove(atTop)`: scrolled.
  constructor(box, space, store, {onOpen, onNearEnd, onMove}) {
    Object.assign(this, {box, space, store, onOpen, onNearEnd, onMove});
    this.pool = [];
    this.active = null;  // the sequence of the chosen event
    this.frame = 0;
    this.added = 0;  // rows that came on top since the last frame
    this.atTop = true;
    box.addEventListener('scroll', () => this.schedule(), {passive: true});
    box.addEventListener('keydown', (event) => this.onKey(event));
    box.addEventListener('click', (event) => this.onClick(event));
    new ResizeObserver(() => this.schedule()).observe(box);
  }

  // `added` events came on top; 0: something else is new.
  changed(added = 0) {
    this.added += added;
    this.schedule();
  }

  // All are gone.
  clear() {
    this.active = null;
    this.added = 0;
    this.schedule();
  }

  schedule() {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
  }

  get rowHeight() {
    if (!this.height) this.height = parseFloat(getComputedStyle(this.box).getPropertyValue('--row')) || 28;
    return this.height;
  }

  draw() {
    this.frame = 0;
    this.height = 0;
    const {box, store} = this;
    if (box.clientHeight === 0) return;
    const row = this.rowHeight;
    let top = box.scrollTop;
    const space = `${store.size * row}px`;
    if (this.space.style.height !== space) this.space.style.height = space;
    if (this.added > 0) {
      if (top >= row / 2) box.scrollTop = top += this.added * row;
      this.added = 0;
    }
    this.atTop = top < row / 2;
    const first = Math.max(0, Math.floor(top / row) - kBeside);
    const last = Math.min(store.size, Math.ceil((top + box.clientHeight) / row) + kBeside);
    this.drawRows(first, last, row);
    this.onMove(this.atTop);
    if (last >= store.size - kAhead) this.onNearEnd();
  }

  drawRows(first, last, row) {
    while (this.pool.length < last - first) this.pool.push(this.makeRow());
    let active = '';
    for (let i = 0; i < this.pool.length; ++i) {
      // A row stays with its event while it is in sight: the pool is used round and round.
      const index = first + ((i - first) % this.pool.length + this.pool.length) % this.pool.length;
      const line = this.pool[i];
      if (index >= last) {
        if (!line.node.hidden) line.node.hidden = true;
        continue;
      }
      const event = this.store.at(index);
      this.fill(line, event, index);
      line.node.style.transform = `translateY(${index * row}px)`;
      if (line.node.hidden) line.node.hidden = false;
      const chosen = event.sequence === this.active;
      line.node.setAttribute('aria-selected', chosen);
      if (chosen) active = line.node.id;
    }
    if (active) this.box.setAttribute('aria-activedescendant', active);
    else this.box.removeAttribute('aria-activedescendant');
  }

  makeRow() {
    const cells = ['sequence', 'time', 'stream', 'type', 'agent', 'data'].map((name) => element('span', {class: name}));
    const node = element('div', {role: 'option', class: 'row', id: `event-row-${this.pool.length}`}, ...cells);
    this.space.append(node);
    return {node, cells, event: null};
  }

  fill(line, event, index) {
    line.node.setAttribute('aria-posinset', index + 1);
    line.node.setAttribute('aria-setsize', this.store.size);
    if (line.event === event) return;
    line.event = event;
    line.node.dataset.sequence = event.sequence;
    line.node.classList.toggle('skipped', event.skipped !== undefined);
    const [sequence, time, stream, type, agent, data] = line.cells;
    if (event.skipped !== undefined) {
      for (const cell of [time, stream, type, agent]) setText(cell, '');
      setText(sequence, '⋯');
      setText(data, event.skipped);
      return;
    }
    setText(sequence, String(event.sequence));
    setText(time, clock(event.time));
    setText(stream, visible(event.stream));
    setText(type, visible(event.type));
    setText(agent, visible(event.agent));
    setText(data, preview(event));
  }

  onKey(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.rowHeight) - 1);
    const steps = {ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity};
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in steps) {
      event.preventDefault();
      this.move(steps[event.key]);
    } else if (event.key === 'Enter' && this.active !== null) {
      event.preventDefault();
      const index = this.store.find(this.active);
      if (index >= 0) this.onOpen(this.store.at(index));
    }
  }

  move(step) {
    if (this.store.size === 0) return;
    const from = this.active === null ? -1 : this.store.find(this.active);
    const index = from < 0 && step === 1 ? Math.round(this.box.scrollTop / this.rowHeight)
      : Math.min(this.store.size - 1, Math.max(0, from + step));
    this.choose(Math.min(index, this.store.size - 1));
  }

  choose(index) {
    this.active = this.store.at(index).sequence;
    const row = this.rowHeight;
    const {box} = this;
    if (index * row < box.scrollTop) box.scrollTop = index * row;
    else if ((index + 1) * row > box.scrollTop + box.clientHeight) box.scrollTop = (index + 1) * row - box.clientHeight;
    this.schedule();
  }

  onClick(event) {
    const row = event.target.closest('.row');
    if (!row || getSelection().type === 'Range') return;
    const index = this.store.find(Number(row.dataset.sequence));
    if (index < 0) return;
    this.choose(index);
    this.onOpen(this.store.at(index));
  }

  toTop() {
    this.box.scrollTop = 0;
    this.atTop = true;
    this.schedule();
  }
}

function preview(event) {
  if (event.bytes === 0) return '';
  if (event.kind === 'binary') return `(${event.bytes} bytes of ${visible(event.content_type ?? 'JSON that is none')})`;
  return visible(event.data) + (event.cut ? ' …' : '');
}
