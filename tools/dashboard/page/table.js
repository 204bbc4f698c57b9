// A table that is brought up to date in place: rows keep their elements, so that a selection, the focus and the scrolling stay.
// Sorted by a column's heading, which is a button.
import {element, setText} from '/dom.js';

// `columns`: {title, text: (row) => string, number?: true, sort?: (row) => value, link?: (row) => href, level?: (row) => string,
// bar?: (row) => 0 to 1, title_of?: (row) => string}
export class Table {
  constructor(table, columns, key, sortBy, descending = true) {
    this.columns = columns;
    this.key = key;
    this.sortBy = sortBy;
    this.descending = descending;
    this.rows = new Map();
    this.data = [];
    this.headings = columns.map((column, index) => {
      const heading = element('th', {scope: 'col', class: column.number ? 'number' : undefined});
      if (column.sort) {
        const button = element('button', {type: 'button'}, column.title);
        button.addEventListener('click', () => this.sort(index));
        heading.append(button);
      } else {
        heading.append(column.title);
      }
      return heading;
    });
    this.body = element('tbody');
    table.replaceChildren(element('thead', {}, element('tr', {}, ...this.headings)), this.body);
    this.table = table;
  }

  sort(index) {
    this.descending = this.sortBy === index ? !this.descending : this.columns[index].number === true;
    this.sortBy = index;
    this.show(this.data);
  }

  show(data) {
    this.data = data;
    const by = this.columns[this.sortBy]?.sort;
    const sorted = by ? [...data].sort((one, other) => compare(by(one), by(other)) * (this.descending ? -1 : 1)) : data;
    const gone = new Set(this.rows.keys());
    let before = this.body.firstChild;
    for (const item of sorted) {
      const key = this.key(item);
      gone.delete(key);
      let row = this.rows.get(key);
      if (!row) this.rows.set(key, row = this.makeRow());
      this.fill(row, item);
      if (row === before) before = row.nextSibling;
      else this.body.insertBefore(row, before);
    }
    for (const key of gone) {
      this.rows.get(key).remove();
      this.rows.delete(key);
    }
    this.headings.forEach((heading, index) => {
      if (index === this.sortBy) heading.setAttribute('aria-sort', this.descending ? 'descending' : 'ascending');
      else heading.removeAttribute('aria-sort');
    });
    this.table.hidden = data.length === 0;
  }

  makeRow() {
    return element('tr', {}, ...this.columns.map((column) => {
      const cell = element('td', {class: column.number ? 'number' : undefined});
      if (column.link) cell.append(element('a'));
      if (column.bar) cell.append(element('meter', {min: 0, max: 1}), element('span'));
      return cell;
    }));
  }

  fill(row, item) {
    this.columns.forEach((column, index) => {
      const cell = row.children[index];
      const text = column.text(item);
      if (column.link) {
        setText(cell.firstChild, text);
        const href = column.link(item);
        if (cell.firstChild.getAttribute('href') !== href) cell.firstChild.setAttribute('href', href);
      } else if (column.bar) {
        cell.firstChild.value = column.bar(item);
        setText(cell.lastChild, text);
      } else {
        setText(cell, text);
      }
      if (column.level) cell.dataset.level = column.level(item);
      if (column.title_of) cell.title = column.title_of(item);
    });
  }
}

function compare(one, other) {
  if (typeof one === 'string' && typeof other === 'string') return one < other ? -1 : one > other ? 1 : 0;
  return (one ?? -Infinity) - (other ?? -Infinity) || 0;
}
