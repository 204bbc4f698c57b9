// Numbers, times and texts as people read them.

const kNumber = new Intl.NumberFormat('en');

export const count = (value) => kNumber.format(value);
export const counted = (value, noun) => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

// 1234567 as "1.23 M".
export function short(value) {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  for (const [limit, unit] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']]) {
    if (size >= limit) {
      const by = unit === 'k' ? 1e3 : limit;
      return `${digits(value / by)} ${unit}`;
    }
  }
  return size >= 1000 ? kNumber.format(Math.round(value)) : digits(value);
}

// Three digits that matter.
function digits(value) {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return trim(value.toFixed(1));
  if (size >= 0.1) return trim(value.toFixed(2));
  return value.toPrecision(1);
}
const trim = (text) => text.includes('.') ? text.replace(/\.?0+$/, '') : text;

export function bytes(value) {
  if (!Number.isFinite(value)) return '–';
  let unit = 0;
  for (; Math.abs(value) >= 1024 && unit < 5; ++unit) value /= 1024;
  return `${digits(value)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'][unit]}`;
}

export function duration(ns) {
  if (!Number.isFinite(ns)) return '–';
  if (ns < 1e3) return `${digits(ns)} ns`;
  if (ns < 1e6) return `${digits(ns / 1e3)} µs`;
  if (ns < 1e9) return `${digits(ns / 1e6)} ms`;
  return seconds(ns / 1e9);
}

export function seconds(value) {
  if (value < 60) return `${digits(value)} s`;
  const minutes = Math.floor(value / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

export const percent = (share) => `${trim((share * 100).toFixed(Math.abs(share) < 0.1 ? 2 : 1))} %`;

// "12:34:56.789" of RFC 3339, in the browser's zone.
export function clock(time, milliseconds = true) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const two = (value) => String(value).padStart(2, '0');
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return milliseconds ? `${text}.${String(date.getMilliseconds()).padStart(3, '0')}` : text;
}

export function ago(time) {
  const past = (Date.now() - new Date(time).getTime()) / 1000;
  return past < 1 ? 'now' : `${seconds(Math.floor(past))} ago`;
}

// What others wrote, without characters that hide, or that turn the order of what stands beside them.
const kHidden = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const escape = (c) => c === '\n' ? '\\n' : c === '\t' ? '\\t' : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
export const visible = (text) => text.replace(kHidden, escape);
// The same for text in several lines.
export const visibleLines = (text) => text.replace(kHidden, (c) => c === '\n' || c === '\t' ? c : escape(c));
