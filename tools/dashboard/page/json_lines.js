// JSON with line breaks and indentation, as text: no value is changed, so big numbers, the order of members and names that stand
// twice stay what they are. What is no JSON comes back as it is, and so does what would become too long: an agent must not
// be able to keep the browser busy with a million brackets.

const kTokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;
const kLengthMax = 4 << 20;

export function indentJson(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let out = '';
  let depth = 0;
  let opened = false;  // the last token was { or [
  const line = () => '\n' + '  '.repeat(Math.min(depth, 40));
  for (const [token] of text.matchAll(kTokens)) {
    if (out.length > kLengthMax) return text;
    if (token === '}' || token === ']') {
      --depth;
      out += opened ? token : line() + token;
      opened = false;
      continue;
    }
    if (opened) out += line();
    opened = token === '{' || token === '[';
    if (opened) ++depth;
    out += token === ',' ? token + line() : token === ':' ? ': ' : token;
  }
  return out;
}
