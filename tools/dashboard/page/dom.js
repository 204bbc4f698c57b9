// Elements with text in them. Text is never markup: nothing in the page parses any.

export const byId = (id) => document.getElementById(id);

// element('td', {class: 'number', title: '…'}, 'text', otherElement, …)
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children);
  return made;
}

// Changes an element's text only when it is another: what did not change is not painted, nor said again.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
