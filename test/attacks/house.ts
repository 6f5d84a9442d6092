// The world of the attacks on the action gate: a household with a bank, mail, a calendar, files and the web behind one plane, agents
// that differ in what they read and remember, and what house.manifest.yaml says about all of it.

import type { JsonObject } from '@writ/core';
import type { ToolsOf } from './upstream.ts';

const text = { type: 'string' };
const number = { type: 'number' };
const texts = { type: 'array', items: text };

/** Arguments of each server's tools, as it lists them. */
export const HOUSE_TOOLS: ToolsOf = {
  bank: {
    account: {},
    transactions: { last: number },
    send_money: { recipient: text, amount: number, date: text, subject: text },
    standing_order: { id: text, amount: number, first: text },
    cancel_order: { id: { type: ['string', 'number'] } },
    change_profile: { email: text, street: text },
  },
  mail: {
    inbox: {},
    contacts: {},
    remember: { name: text, email: text },
    send: { to: texts, cc: texts, subject: text, body: text },
    chat: { room: text, text },
  },
  calendar: { events: {}, create: { title: text, start: text, guests: texts } },
  files: {
    list: {},
    read: { path: text },
    write: { path: text, content: text },
    share: { path: text, with: texts },
    delete: { path: text },
    vault: { name: text },
    label: { path: text, tag: text },
    tags: {},
    scatter: { contents: { type: 'object', additionalProperties: text } },
  },
  web: {
    fetch: { url: text },
    post: { url: text, body: text },
    deliver: { user: text, host: text, text },
    search: { query: text },
    submit: { fields: { type: 'object', additionalProperties: text } },
  },
  // Nobody has written a manifest for this one (rules §3.6).
  shop: { order: { article: text, to: text } },
};

const servers = Object.keys(HOUSE_TOOLS);
const agent = (more: JsonObject): JsonObject => ({
  attest: { launched: true },
  inputs: 'gated',
  memory: 'task',
  calls: servers,
  scopes: [...servers.map((server) => `${server}:*`), 'files:delete'],
  ...more,
});

/** What a file with `"world": "house"` knows unless it says otherwise. */
export const HOUSE: JsonObject = {
  agents: {
    'claude/orchestrator': agent({
      calls: [...servers, 'db/agent', 'compiler/agent', 'keeper/agent'],
      scopes: [
        ...servers.map((server) => `${server}:*`),
        ...['files:delete', 'db/agent:send', 'compiler/agent:send', 'keeper/agent:send'],
      ],
    }),
    'db/agent': agent({ calls: ['mail', 'files'], memory: 'persistent', a2a: '$CALLEE' }),
    'compiler/agent': agent({ calls: ['files'] }),
    'keeper/agent': agent({ memory: 'persistent' }),
    'open/agent': agent({ inputs: 'open' }),
    'unsaid/agent': { ...(agent({}) as object), memory: undefined } as unknown as JsonObject,
  },
  servers: Object.fromEntries(
    servers.map((server) => [
      server,
      {
        mcp: { url: `$UPSTREAM/${server}` },
        credential: { env: 'UPSTREAM_KEY' },
        ...(server === 'shop' ? {} : { manifest: '$HERE/house.manifest.yaml' }),
      },
    ]),
  ),
  users: {
    howard: {
      roles: ['admin', 'approver'],
      email: 'howard@house.example',
      addresses: ['DE89 3704 0044 0532 0130 00'],
    },
    mallory: {},
  },
  tasks: { bindArguments: false },
  allow: ['claude/orchestrator', 'db/agent', 'keeper/agent', 'open/agent', 'unsaid/agent'].flatMap((name) => [
    ...servers.map((server) => ({ agent: name, tool: `${server}/*` })),
    { agent: name, tool: 'files/delete' },
  ]),
};
