// What the page asks of its server. The token, where one is needed, comes once behind the # of the address, or from the dialog, and
// stays in this tab's storage; it goes with each request in its head, so that no other site can make the browser send it.

const kTokenKey = 'roost-token';

export function takeTokenFromAddress() {
  const match = /^#token=([A-Za-z0-9\-._~+/=]+)$/.exec(location.hash);
  if (!match) return;
  sessionStorage.setItem(kTokenKey, match[1]);
  history.replaceState(null, '', location.pathname);
}
export const keepToken = (token) => sessionStorage.setItem(kTokenKey, token);

// What went wrong, in words; `status` 0: the server can't be reached.
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, parameters, signal) {
  const token = sessionStorage.getItem(kTokenKey);
  const query = new URLSearchParams(parameters).toString();
  let response;
  try {
    response = await fetch(query ? `${path}?${query}` : path, {
      headers: token ? {Authorization: `Bearer ${token}`} : {}, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'the dashboard’s server does not answer');
  }
  if (response.ok) return response;
  const text = await response.text();
  let message = text.trim();
  try {
    message = JSON.parse(text).error;
  } catch { /* a plain text */ }
  throw new ApiError(response.status, message);
}

export async function get(path, parameters = {}, signal = undefined) {
  return (await ask(path, parameters, signal)).json();
}

// Calls `onMessage(name, object)` for each server-sent event until the stream ends. EventSource can't send a token.
export async function follow(parameters, signal, onMessage) {
  const response = await ask('/api/follow', parameters, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    rest += value;
    let end;
    let from = 0;
    while ((end = rest.indexOf('\n\n', from)) >= 0) {
      const message = rest.slice(from, end);
      from = end + 2;
      const line = message.indexOf('\n');
      onMessage(message.slice('event: '.length, line), JSON.parse(message.slice(line + 1 + 'data: '.length)));
    }
    rest = rest.slice(from);
  }
}
