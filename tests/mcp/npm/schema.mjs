// Judges single messages of an MCP server by the official JSON schemas (schema/README.md says whose).
import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

export const kModern = '2026-07-28';
export const kLegacy = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
export const kNewestLegacy = '2025-11-25';

const kResultTypes = {
  'initialize': 'InitializeResult',
  'ping': 'EmptyResult',
  'server/discover': 'DiscoverResult',
  'tools/list': 'ListToolsResult',
  'tools/call': 'CallToolResult',
  'resources/list': 'ListResourcesResult',
  'resources/templates/list': 'ListResourceTemplatesResult',
  'resources/read': 'ReadResourceResult',
  'resources/subscribe': 'EmptyResult',
  'resources/unsubscribe': 'EmptyResult',
  'completion/complete': 'CompleteResult',
  'subscriptions/listen': 'SubscriptionsListenResult',
};

const kNotificationTypes = {
  'notifications/resources/updated': 'ResourceUpdatedNotification',
  'notifications/progress': 'ProgressNotification',
  'notifications/subscriptions/acknowledged': 'SubscriptionsAcknowledgedNotification',
};

// Types of 2026-07-28 which say more about an error than that it is one: of its `error` member, or of
// the whole message.
const kErrorTypes = {
  '-32700': 'ParseError',
  '-32600': 'InvalidRequestError',
  '-32601': 'MethodNotFoundError',
  '-32602': 'InvalidParamsError',
  '-32603': 'InternalError',
};
const kErrorMessageTypes = { '-32022': 'UnsupportedProtocolVersionError' };

class Revision {
  constructor(name) {
    const schema = JSON.parse(readFileSync(new URL(`schema/${name}.json`, import.meta.url)));
    const Validator = schema.$defs ? Ajv2020 : Ajv;
    this.name = name;
    this.section = schema.$defs ? '$defs' : 'definitions';
    this.types = schema[this.section];
    this.ajv = new Validator({ strict: false, allErrors: true });
    addFormats(this.ajv);
    this.ajv.addSchema(schema, 'mcp');
  }

  has(type) {
    return type in this.types;
  }

  // What is wrong with `value` as a `type`, a list of sentences.
  problems(type, value) {
    if (!this.has(type)) return [`revision ${this.name} has no ${type}`];
    const validate = this.ajv.getSchema(`mcp#/${this.section}/${type}`);
    if (validate(value)) return [];
    return validate.errors.map((error) => `not a ${type} of ${this.name}: ${error.instancePath || '/'} ${error.message}`);
  }
}

const revisions = new Map();

function revision(name) {
  if (!revisions.has(name)) revisions.set(name, new Revision(name));
  return revisions.get(name);
}

export function resultProblems(name, method, message) {
  const schema = revision(name);
  const envelope = schema.has('JSONRPCResultResponse') ? 'JSONRPCResultResponse' : 'JSONRPCResponse';
  const type = kResultTypes[method];
  if (!type) return [`a result for ${method}, which Roost does not serve`];
  return [...schema.problems(envelope, message), ...schema.problems(type, message.result)];
}

export function errorProblems(name, message) {
  // Revisions before 2025-11-25 can't say that a line had no readable id; newer ones leave the id out.
  const schema = revision('id' in message || name === kModern ? name : kNewestLegacy);
  const envelope = schema.has('JSONRPCErrorResponse') ? 'JSONRPCErrorResponse' : 'JSONRPCError';
  const problems = schema.problems(envelope, message);
  if (name !== kModern) return problems;
  const type = kErrorTypes[message.error?.code];
  if (type) problems.push(...schema.problems(type, message.error));
  const messageType = kErrorMessageTypes[message.error?.code];
  if (messageType) problems.push(...schema.problems(messageType, message));
  return problems;
}

export function notificationProblems(name, message) {
  const type = kNotificationTypes[message.method];
  if (!type) return [`a notification ${message.method}, which Roost does not send`];
  const schema = revision(name);
  return [...schema.problems('JSONRPCNotification', message), ...schema.problems(type, message)];
}

// For the schemas that tools carry; without $schema they are 2020-12. Throws when one is no schema.
const toolAjv = new Ajv2020({ strict: false, allErrors: true });
addFormats(toolAjv);

export function compileToolSchema(schema) {
  return toolAjv.compile(schema);
}
