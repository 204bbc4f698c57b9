// A small chart over time on a canvas: areas and lines, one pixel sharp on every screen, with a cross-hair by mouse, finger or arrow
// keys, and its numbers in a table for who can't see it. Times and values are arrays that others fill.
import {byId, element, setText} from '/dom.js';
import {clock} from '/format.js';

const kHeight = 112;
const kLeft = 52;
const kRight = 8;
const kTop = 8;
const kBottom = 18;

// `series`: {name, color (a class), values: () => array with NaN where there is none, area?: true}
// `format(value)`, `binary`: its units are powers of 1024, `log`: a logarithmic scale, `span`: seconds.
export class Chart {
  constructor({title, note, series, format, log = false, binary = false, span, times}) {
    Object.assign(this, {title, series, format, log, binary, span, times});
    this.canvas = element('canvas', {tabindex: 0, role: 'img', height: kHeight});
    this.now = series.map((one) => element('b', {}, '–'));
    this.swatches = series.map((one) => element('i', {class: `swatch ${one.color}`, hidden: series.length === 1}));
    this.legend = element('span', {class: 'legend'}, ...series.map(
      (one, i) => element('span', {}, this.swatches[i], series.length > 1 ? `${one.name} ` : '', this.now[i])));
    const caption = element('figcaption', {}, element('span', {class: 'chart-title', title: note}, title), this.legend);
    this.details = element('details', {}, element('summary', {}, 'as a table'));
    this.tableBox = element('div', {class: 'scroll'});
    this.details.append(this.tableBox);
    this.details.addEventListener('toggle', () => this.fillTable());
    this.node = element('figure', {class: 'chart panel'}, caption, this.canvas, this.details);
    this.at = null;  // the time under the cross-hair, in ms
    this.inWords = title;
    this.canvas.addEventListener('pointermove', (event) => this.point(event));
    this.canvas.addEventListener('pointerdown', (event) => this.point(event));
    this.canvas.addEventListener('pointerleave', () => this.leave());
    this.canvas.addEventListener('blur', () => this.leave());
    this.canvas.addEventListener('keydown', (event) => this.onKey(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  // What is right now, in words as well.
  update() {
    const last = this.times.length - 1;
    const now = this.series.map((one) => {
      const value = last >= 0 ? one.values()[last] : NaN;
      return Number.isFinite(value) ? this.format(value) : '–';
    });
    now.forEach((text, i) => setText(this.now[i], text));
    this.inWords = `${this.title}: now ${this.series.map((one, i) => this.series.length > 1 ? `${one.name} ${now[i]}` : now[i]).join(', ')}` +
      '. Arrow keys read earlier values.';
    this.draw();
    this.tell();
    if (this.details.open) this.fillTable();
  }

  // ---- painting ----

  draw() {
    const width = this.canvas.clientWidth;
    if (width === 0) return;
    const scale = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * scale)) this.canvas.width = Math.round(width * scale);
    if (this.canvas.height !== Math.round(kHeight * scale)) this.canvas.height = Math.round(kHeight * scale);
    // A canvas knows no custom properties: what elements make of them it does.
    const style = getComputedStyle(this.node);
    this.colors = {line: style.borderTopColor, muted: getComputedStyle(this.legend).color,
      series: this.swatches.map((one) => getComputedStyle(one).backgroundColor)};
    const paint = this.canvas.getContext('2d');
    paint.setTransform(scale, 0, 0, scale, 0, 0);
    paint.clearRect(0, 0, width, kHeight);
    this.end = this.times.length ? Math.max(this.times[this.times.length - 1], Date.now() - 2000) : Date.now();
    this.begin = this.end - this.span * 1000;
    this.width = width;
    this.chooseRange();
    this.drawGrid(paint, style.fontFamily);
    this.series.forEach((one, i) => this.drawSeries(paint, one, this.colors.series[i]));
    this.drawCross(paint);
  }

  x(time) {
    return kLeft + (time - this.begin) / (this.end - this.begin) * (this.width - kLeft - kRight);
  }
  y(value) {
    const share = this.log ? (Math.log10(Math.max(value, this.low)) - Math.log10(this.low)) / (Math.log10(this.high) - Math.log10(this.low))
      : (value - this.low) / (this.high - this.low);
    return kHeight - kBottom - share * (kHeight - kTop - kBottom);
  }

  chooseRange() {
    let low = Infinity;
    let high = 0;
    this.empty = true;
    for (const one of this.series) {
      const values = one.values();
      for (let i = 0; i < values.length; ++i) {
        if (this.times[i] < this.begin || !(values[i] >= 0)) continue;
        this.empty = false;
        high = Math.max(high, values[i]);
        if (values[i] > 0) low = Math.min(low, values[i]);
      }
    }
    if (this.log) {
      this.low = 10 ** Math.floor(Math.log10(low === Infinity ? 1000 : low));
      this.high = Math.max(10 ** Math.ceil(Math.log10(high || 1)), this.low * 100);
    } else {
      this.low = 0;
      const unit = this.binary && high > 0 ? 1024 ** Math.max(0, Math.floor(Math.log2(high) / 10)) : 1;
      this.high = round(high / unit || 1) * unit;
    }
  }

  drawGrid(paint, font) {
    paint.font = `11px ${font}`;
    paint.lineWidth = 1;
    paint.strokeStyle = this.colors.line;
    paint.fillStyle = this.colors.muted;
    paint.textAlign = 'right';
    paint.textBaseline = 'middle';
    let lines = [0, this.high / 2, this.high];
    if (this.log) {
      lines = [];
      const decades = Math.round(Math.log10(this.high / this.low));
      for (let i = 0; i <= decades; i += Math.ceil(decades / 3)) lines.push(this.low * 10 ** i);
    }
    for (const value of lines) {
      const y = Math.round(this.y(value)) + 0.5;
      paint.beginPath();
      paint.moveTo(kLeft, y);
      paint.lineTo(this.width - kRight, y);
      paint.stroke();
      paint.fillText(this.format(value), kLeft - 6, y);
    }
    if (this.empty) {
      paint.textAlign = 'center';
      paint.fillText('nothing in this time', (kLeft + this.width - kRight) / 2, (kTop + kHeight - kBottom) / 2 + 12);
    }
    paint.textBaseline = 'alphabetic';
    paint.textAlign = 'left';
    paint.fillText(`−${this.span / 60} min`, kLeft, kHeight - 4);
    paint.textAlign = 'right';
    paint.fillText('now', this.width - kRight, kHeight - 4);
  }

  drawSeries(paint, one, color) {
    const values = one.values();
    const points = [];  // of one stretch without a hole
    const flush = () => {
      if (points.length === 0) return;
      paint.beginPath();
      points.forEach(([x, y], i) => i === 0 ? paint.moveTo(x, y) : paint.lineTo(x, y));
      if (points.length === 1) paint.lineTo(points[0][0] + 1.5, points[0][1]);
      paint.strokeStyle = color;
      paint.lineWidth = 1.5;
      paint.lineJoin = 'round';
      paint.stroke();
      if (one.area) {
        paint.lineTo(points[points.length - 1][0], this.y(this.low));
        paint.lineTo(points[0][0], this.y(this.low));
        paint.globalAlpha = 0.14;
        paint.fillStyle = color;
        paint.fill();
        paint.globalAlpha = 1;
      }
      points.length = 0;
    };
    for (let i = 0; i < values.length; ++i) {
      const hole = i > 0 && this.times[i] - this.times[i - 1] > 3500;
      if (this.times[i] < this.begin || !Number.isFinite(values[i]) || hole) flush();
      if (this.times[i] >= this.begin && Number.isFinite(values[i])) points.push([this.x(this.times[i]), this.y(values[i])]);
    }
    flush();
  }

  drawCross(paint) {
    const index = this.indexAt();
    if (index < 0) return;
    const x = Math.round(this.x(this.times[index])) + 0.5;
    paint.strokeStyle = this.colors.muted;
    paint.lineWidth = 1;
    paint.beginPath();
    paint.moveTo(x, kTop);
    paint.lineTo(x, kHeight - kBottom);
    paint.stroke();
    for (const [i, one] of this.series.entries()) {
      const value = one.values()[index];
      if (!Number.isFinite(value)) continue;
      paint.beginPath();
      paint.arc(x, this.y(value), 3, 0, 7);
      paint.fillStyle = this.colors.series[i];
      paint.fill();
    }
    this.showTip(index, x);
  }

  // ---- reading ----

  indexAt() {
    if (this.at === null || this.times.length === 0) return -1;
    let best = this.times.length - 1;
    for (let i = 0; i < this.times.length; ++i) {
      if (Math.abs(this.times[i] - this.at) < Math.abs(this.times[best] - this.at)) best = i;
    }
    return this.times[best] >= this.begin ? best : -1;
  }

  point(event) {
    const x = event.clientX - this.canvas.getBoundingClientRect().left;
    this.at = this.begin + (x - kLeft) / (this.width - kLeft - kRight) * (this.end - this.begin);
    this.draw();
  }

  leave() {
    this.at = null;
    byId('tip').hidden = true;
    this.draw();
    this.tell();
  }

  onKey(event) {
    const steps = {ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30, Home: -Infinity, End: Infinity};
    if (event.key === 'Escape') return this.leave();
    if (!(event.key in steps) || this.times.length === 0) return;
    event.preventDefault();
    let first = 0;
    while (first < this.times.length - 1 && this.times[first] < this.begin) ++first;
    const from = this.at === null ? this.times.length : this.indexAt();
    const index = Math.min(this.times.length - 1, Math.max(first, from + steps[event.key]));
    this.at = this.times[index];
    this.draw();
    this.tell();
  }

  // What a screen reader says: what is read stays what is said, whatever comes meanwhile.
  tell() {
    const index = this.indexAt();
    this.canvas.setAttribute('aria-label', index < 0 ? this.inWords : `${this.title}, ${this.textOf(index)}`);
  }

  textOf(index) {
    const values = this.series.map((one) => {
      const value = one.values()[index];
      const text = Number.isFinite(value) ? this.format(value) : '–';
      return this.series.length > 1 ? `${one.name} ${text}` : text;
    });
    return `${clock(this.times[index], false)}  ${values.join('  ')}`;
  }

  showTip(index, x) {
    const tip = byId('tip');
    setText(tip, this.textOf(index));
    tip.hidden = false;
    const box = this.canvas.getBoundingClientRect();
    const left = Math.min(Math.max(4, box.left + x - tip.offsetWidth / 2), innerWidth - tip.offsetWidth - 4);
    tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(box.top - tip.offsetHeight - 2)}px)`;
  }

  // The last minute, newest first.
  fillTable() {
    if (!this.details.open) return;
    const head = element('tr', {}, element('th', {scope: 'col'}, 'Time'), ...this.series.map((one) => element('th', {scope: 'col', class: 'number'}, one.name)));
    const rows = [];
    for (let i = this.times.length - 1; i >= 0 && rows.length < 60; --i) {
      rows.push(element('tr', {}, element('th', {scope: 'row'}, clock(this.times[i], false)), ...this.series.map((one) => {
        const value = one.values()[i];
        return element('td', {class: 'number'}, Number.isFinite(value) ? this.format(value) : '–');
      })));
    }
    this.tableBox.replaceChildren(element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows)));
  }
}

// The next of 1, 2, 5, 10, …
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 5, 10]) {
    if (value <= step * power) return step * power;
  }
  return value;
}
