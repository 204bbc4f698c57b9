// Where the values of a JSON text begin and end, without reading their numbers: JSON.parse would round
// big integers and forget the order of members, which are just what some tests look at.
//
// The text is known to be JSON (JSON.parse has taken it); nothing is checked again here.

const kSpace = /[ \t\r\n]*/y;
const kScalar = /"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,\]}:]+/y;
const kBracketOrString = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}]/g;

function skip(pattern, text, at) {
  pattern.lastIndex = at;
  pattern.exec(text);
  return pattern.lastIndex;
}

// Calls visit(key, begin, end) for each child of the array or object at `at`; returns its end.
function eachChild(text, at, visit) {
  const object = text[at] === '{';
  const close = object ? '}' : ']';
  let index = 0;
  for (at = skip(kSpace, text, at + 1); text[at] !== close; ) {
    let key = index++;
    if (object) {
      const end = skip(kScalar, text, at);
      key = JSON.parse(text.slice(at, end));
      at = skip(kSpace, text, skip(kSpace, text, end) + 1);  // past the colon
    }
    const end = endOf(text, at);
    visit(key, at, end);
    at = skip(kSpace, text, end);
    if (text[at] === ',') at = skip(kSpace, text, at + 1);
  }
  return at + 1;
}

// Counts brackets instead of recursing: hostile tests nest a million of them.
function endOf(text, at) {
  if (text[at] !== '{' && text[at] !== '[') return skip(kScalar, text, at);
  let depth = 0;
  kBracketOrString.lastIndex = at;
  do {
    const [found] = kBracketOrString.exec(text);
    if (found === '{' || found === '[') ++depth;
    if (found === '}' || found === ']') --depth;
  } while (depth > 0);
  return kBracketOrString.lastIndex;
}

// The children of the outermost object or array, as written: a Map from name (or index) to text.
export function children(text) {
  const result = new Map();
  const at = skip(kSpace, text, 0);
  if (text[at] !== '{' && text[at] !== '[') return result;
  eachChild(text, at, (key, begin, end) => result.set(key, text.slice(begin, end)));
  return result;
}

// The value at a path such as ('result', 'events', 0, 'data'), as written; undefined if there is none.
export function textAt(text, ...path) {
  for (const key of path) {
    text = children(text).get(key);
    if (text === undefined) return undefined;
  }
  return text;
}
