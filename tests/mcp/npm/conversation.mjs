// One conversation between a client and a shim, line by line, and everything that is wrong with what
// the shim said: by the schema of the message's revision, by the request that it answers, and by what
// Roost promises of all its results.
//
// Lines are given in the order in which they passed. problems is a list of sentences; none is the aim.
import { children, textAt } from './json_text.mjs';
import {
  compileToolSchema, errorProblems, kModern, kNewestLegacy, notificationProblems, resultProblems,
} from './schema.mjs';

const kPrefix = 'io.modelcontextprotocol/';
const kToolsListBytesMax = 6 * 1024;
const kInstructionsBytesMax = 1024;
const kCacheable = new Set([
  'server/discover', 'tools/list', 'resources/list', 'resources/templates/list', 'resources/read',
]);

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

export class Conversation {
  problems = [];
  cancelled = [];            // requests that the client took back
  answeredAfterCancel = [];  // those of them that the shim answered all the same
  notifications = [];        // of the shim, parsed
  tools = new Map();         // name -> {input, output}, compiled, from tools/list

  #pending = new Map();      // id as written -> its unanswered requests, oldest first
  #revision = kNewestLegacy; // of the legacy side: what initialize has settled
  #unreadable = 0;           // lines of the client to which an error without id is the right answer

  sent(line) {
    if (line.trim() === '') return;
    const message = parse(line);
    if (Array.isArray(message)) {
      if (message.length === 0) this.sentUnreadable();
      for (const element of children(line).values()) this.#sentOne(element, parse(element));
    } else {
      this.#sentOne(line, message);
    }
  }

  // A line that is no good message, with an id (as written) that the shim may have made out all the same:
  // answered at most once, with that id or without one.
  sentUnreadable(id) {
    ++this.#unreadable;
    if (id === undefined) return;
    const request = { id: String(id), message: { method: undefined }, optional: true };
    this.#pending.set(request.id, [...(this.#pending.get(request.id) ?? []), request]);
  }

  #sentOne(text, message) {
    if (isObject(message) && !('method' in message) && ('result' in message || 'error' in message)) return;
    const id = isObject(message) ? textAt(text, 'id') : undefined;
    const idIsGood = typeof message?.id === 'string' || Number.isInteger(message?.id);
    if (!isObject(message) || (id !== undefined && !idIsGood) || (id === undefined && typeof message.method !== 'string')) {
      this.sentUnreadable();
      return;
    }
    if (id === undefined) {
      if (message.method === 'notifications/cancelled') this.#cancel(textAt(text, 'params', 'requestId'));
      return;
    }
    const meta = message.params?._meta;
    const modern = isObject(meta) && kPrefix + 'protocolVersion' in meta;
    const request = { id, message, modern: modern || ['server/discover', 'subscriptions/listen'].includes(message.method) };
    if (!this.#pending.has(id)) this.#pending.set(id, []);
    this.#pending.get(id).push(request);
  }

  #cancel(id) {
    const request = this.#pending.get(id)?.[0];
    if (!request) return;
    request.cancelled = true;
    this.cancelled.push(request);
  }

  // Bytes without the line's end. Returns them as text, or undefined if they are no message at all.
  received(bytes) {
    const before = this.problems.length;
    const line = bytes.toString('utf8');
    if (!bytes.equals(Buffer.from(line))) this.#problem('not UTF-8');
    const message = parse(line);
    if (!isObject(message)) {
      this.#problem('not one JSON object');
    } else if ('method' in message) {
      this.#onNotification(line, message);
    } else {
      this.#onResponse(line, message);
    }
    for (let i = before; i < this.problems.length; ++i) {
      this.problems[i] += `\n    in ${line.length > 600 ? line.slice(0, 600) + '…' : line}`;
    }
    return isObject(message) ? line : undefined;
  }

  // The problems found since this was last called.
  takeProblems() {
    return this.problems.splice(0);
  }

  // The client has got all that it waited for, or, with `mayDrop`, has gone without waiting.
  ended({ mayDrop = false } = {}) {
    for (const requests of this.#pending.values()) {
      for (const { id, message, cancelled, optional } of requests) {
        if (cancelled || optional || mayDrop || message.method === 'subscriptions/listen') continue;
        this.problems.push(`${message.method} with id ${id} was never answered`);
      }
    }
  }

  #problem(...sentences) {
    this.problems.push(...sentences);
  }

  #checkKeys(line, allowed) {
    for (const key of children(line).keys()) {
      if (!allowed.includes(key)) this.#problem(`an unexpected member "${key}" at the top`);
    }
  }

  #onNotification(line, message) {
    this.notifications.push(message);
    this.#checkKeys(line, ['jsonrpc', 'method', 'params']);
    const tag = textAt(line, 'params', '_meta', kPrefix + 'subscriptionId');
    const revision = tag === undefined ? this.#revision : kModern;
    this.#problem(...notificationProblems(revision, message));
    if (tag !== undefined && !this.#pending.has(tag)) {
      this.#problem(`a notification of the listen ${tag}, which is not open`);
    }
  }

  #onResponse(line, message) {
    this.#checkKeys(line, ['jsonrpc', 'id', 'error' in message ? 'error' : 'result']);
    const id = textAt(line, 'id');
    if (id === undefined) {
      this.#problem(...errorProblems(this.#revision, message));
      if (this.#unreadable-- <= 0) this.#problem('an error without id, and no line that deserves it');
      return;
    }
    const request = this.#take(id);
    if (!request) {
      this.#problem(`answers id ${id}, which nobody asked`);
      return;
    }
    if (request.cancelled) this.answeredAfterCancel.push(request);
    if (request.optional) {
      if ('error' in message) this.#problem(...errorProblems(this.#revision, message));
      return;
    }
    const method = request.message.method;
    if (method === 'initialize' && message.result) this.#revision = message.result.protocolVersion;
    const revision = request.modern ? kModern : this.#revision;
    if ('error' in message) {
      this.#problem(...errorProblems(revision, message));
      if (request.modern && message.error?.code === -32002) this.#problem('-32002 is a legacy error');
      return;
    }
    const wrong = resultProblems(revision, method, message);
    this.#problem(...wrong);
    if (wrong.length > 0) return;  // what follows relies on its shape
    this.#checkEra(request, message.result);
    if (method === 'tools/list') this.#checkTools(line, message.result);
    if (method === 'tools/call') this.#checkCall(line, request, message.result);
    if (message.result.instructions !== undefined) this.#checkInstructions(message.result.instructions);
  }

  // Of several requests with one id the first that is open; a later one can only have been refused,
  // and that answer is as good for either.
  #take(id) {
    const requests = this.#pending.get(id);
    if (!requests) return undefined;
    const request = requests.length > 1 ? requests.pop() : requests.shift();
    if (requests.length === 0) this.#pending.delete(id);
    return request;
  }

  #checkEra({ modern, message }, result) {
    if (modern) {
      if (!result._meta?.[kPrefix + 'serverInfo']) this.#problem('a modern result without serverInfo');
      return;
    }
    for (const key of ['resultType', ...(kCacheable.has(message.method) ? ['ttlMs', 'cacheScope'] : [])]) {
      if (key in result) this.#problem(`a legacy result with ${key}`);
    }
  }

  #checkTools(line, result) {
    const bytes = Buffer.byteLength(line);
    if (bytes >= kToolsListBytesMax) this.#problem(`tools/list takes ${bytes} bytes`);
    if (result.nextCursor !== undefined) this.#problem('tools/list has a second page');
    for (const tool of result.tools) {
      try {
        this.tools.set(tool.name, {
          input: compileToolSchema(tool.inputSchema),
          output: tool.outputSchema ? compileToolSchema(tool.outputSchema) : undefined,
        });
      } catch (error) {
        this.#problem(`tool ${tool.name}: ${error.message}`);
      }
      if (!tool.description) this.#problem(`tool ${tool.name} has no description`);
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(tool.name)) this.#problem(`tool name ${tool.name}`);
    }
  }

  #checkInstructions(instructions) {
    const bytes = Buffer.byteLength(instructions);
    if (bytes >= kInstructionsBytesMax) this.#problem(`instructions take ${bytes} bytes`);
  }

  #checkCall(line, { message }, result) {
    const text = result.content[0]?.text;
    if (result.content.length !== 1 || result.content[0].type !== 'text' || !text) {
      this.#problem('the content of a call is not one text');
    }
    if (result.isError) {
      if (result.structuredContent?.error !== text) this.#problem('text and structuredContent.error differ');
      return;
    }
    const structured = textAt(line, 'result', 'structuredContent');
    if (structured === undefined) this.#problem('a call without structuredContent');
    if (structured !== text) this.#problem('text and structuredContent differ');
    const tool = this.tools.get(message.params.name);
    if (tool?.output && !tool.output(result.structuredContent)) {
      this.#problem(`structuredContent is not what outputSchema says: ${JSON.stringify(tool.output.errors)}`);
    }
    // null counts as not given: some clients fill up every optional argument with it.
    const given = Object.entries(message.params.arguments ?? {}).filter(([, value]) => value !== null);
    if (tool && !tool.input(Object.fromEntries(given))) {
      this.#problem(`arguments were accepted which inputSchema forbids: ${JSON.stringify(tool.input.errors)}`);
    }
  }
}
