// The SDKs' clients, behind one face, so that the same cases (agent_cases.mjs) run with each of them.
//
// kind.connect(host, agent) starts a shim for an agent and connects; what it returns has
//   client                                the SDK's own client
//   call(tool, arguments, options)        the result of tools/call
//   subscribe(uri, onUpdated)             resolves to a function that ends the subscription
//   version()                             the protocol version in use
//   close()
// and kind.notFound is the code with which it reports a resource that does not exist (client 2.x reports
// the legacy -32002 as the modern one).
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { Client as Client2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as Transport2 } from '@modelcontextprotocol/client/stdio';

const kIdentity = { name: 'roost-tests', version: '1.0.0' };

// Hands each update to whoever subscribed to its URI.
class Updates {
  #handlers = new Map();
  set(uri, handler) { this.#handlers.set(uri, handler); }
  dispatch = ({ params }) => this.#handlers.get(params.uri)?.(params);
}

function legacySubscribe(client, updates) {
  return async (uri, onUpdated) => {
    updates.set(uri, onUpdated);
    await client.subscribeResource({ uri });
    return () => client.unsubscribeResource({ uri });
  };
}

export const kSdk1 = {
  name: '@modelcontextprotocol/sdk 1.x',
  modern: false,
  notFound: -32002,
  async connect(host, agent) {
    const client = new Client1(kIdentity);
    const transport = new Transport1(host.shimBehindTee(agent));
    const updates = new Updates();
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, updates.dispatch);
    let version;
    transport.setProtocolVersion = (negotiated) => { version = negotiated; };
    await client.connect(transport);
    return {
      client,
      call: (name, args, options) => client.callTool({ name, arguments: args }, undefined, options),
      subscribe: legacySubscribe(client, updates),
      version: () => version,
      close: () => client.close(),
    };
  },
};

function client2(name, modern, versionNegotiation) {
  return {
    name,
    modern,
    notFound: -32602,
    async connect(host, agent) {
      const client = new Client2(kIdentity, versionNegotiation && { versionNegotiation });
      const updates = new Updates();
      client.setNotificationHandler('notifications/resources/updated', updates.dispatch);
      await client.connect(new Transport2(host.shimBehindTee(agent)));
      const listen = async (uri, onUpdated) => {
        updates.set(uri, onUpdated);
        const subscription = await client.listen({ resourceSubscriptions: [uri] });
        return () => subscription.close();
      };
      return {
        client,
        call: (tool, args, options) => client.callTool({ name: tool, arguments: args }, options),
        subscribe: modern ? listen : legacySubscribe(client, updates),
        version: () => client.getNegotiatedProtocolVersion(),
        close: () => client.close(),
      };
    },
  };
}

export const kClient2 = client2('@modelcontextprotocol/client 2.x by default', false);
export const kClient2Auto = client2('@modelcontextprotocol/client 2.x, auto', true, { mode: 'auto' });
export const kClient2Pinned = client2('@modelcontextprotocol/client 2.x, pinned to 2026-07-28', true, { mode: { pin: '2026-07-28' } });
