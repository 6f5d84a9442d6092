// The shape of writ.yaml (contract §3): every key, closed maps, no cleverness. What one key says about another is
// cross-check.ts; what the rest of the program reads is config.ts. The published JSON Schema is printed from here.

import * as z from 'zod';
import { credential, environmentValue, secret, secretUrl } from './credential.ts';
import { allowLine, decisionPoint, jwks, limit, mandate, mode } from './schema-parts.ts';
import {
  address,
  agentKey,
  closed,
  duration,
  environmentName,
  flag,
  listOf,
  oneOfWords,
  path,
  scope,
  serverKey,
  someText,
  webUrl,
  wholeNumber,
  word,
} from './words.ts';

const calls = listOf(word(/^[A-Za-z0-9_/-]+$/, 'an agent or server key'), 'agent and server keys');
const scopes = listOf(scope, 'scopes');
const userName = word(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/, 'a user name');

const attest = closed(
  {
    uid: wholeNumber(0, 4_294_967_294, 'a user id').optional(),
    gid: wholeNumber(0, 4_294_967_294, 'a group id').optional(),
    path: path.optional(),
    sha256: word(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex').optional(),
    parent: agentKey.optional(),
    unit: word(/^[A-Za-z0-9:_.\\@-]+\.(?:service|scope)$/, 'a systemd unit, such as `agent.service`').optional(),
    cgroup: word(/^\/\S+$/, 'the path of a control group, such as `/system.slice/agent.service`').optional(),
    pm2: word(/^\S(?:.*\S)?$/, 'a PM2 process name').optional(),
    launched: flag.optional(),
    command: listOf(someText, 'command words').min(1, { error: 'at least the program' }).optional(),
    env: listOf(environmentName, 'names of environment variables').optional(),
  },
  'how the process is recognised, such as `{ uid: 1001 }` or `{ launched: true }`',
);

const agent = closed(
  {
    attest: attest.optional(),
    jwks: jwks.optional(),
    calls: calls.optional(),
    scopes: scopes.optional(),
    inputs: oneOfWords(['gated', 'open']).optional(),
    memory: oneOfWords(['task', 'none', 'persistent']).optional(),
    a2a: word(/^(?:https?:\/\/|unix:)\S+$/, 'a URL `http://…` on loopback, `https://…` or `unix:<path>`').optional(),
    run: flag.optional(),
    registersPrompts: flag.optional(),
    ttl: duration.optional(),
    pep: listOf(word(/^[A-Za-z0-9_/-]+$/, 'an agent or server key'), 'agent and server keys').optional(),
  },
  'an agent, such as `{ attest: { uid: 1001 }, calls: [files] }`',
);

const mcp = closed(
  {
    command: listOf(someText, 'command words').min(1, { error: 'at least the program' }).optional(),
    url: webUrl.optional(),
    env: z.record(environmentName, environmentValue, { error: 'a map of environment variables' }).optional(),
    shared: flag.optional(),
  },
  'how the server is reached, `{ command: […] }` or `{ url: … }`',
)
  .refine((server) => (server.command === undefined) !== (server.url === undefined), {
    error: 'either `command` or `url`',
  })
  .meta({ oneOf: [{ required: ['command'] }, { required: ['url'] }] });

const http = closed({ url: webUrl, openapi: path }, 'a map of `url` and `openapi`, the path of an OpenAPI document');

const server = closed(
  {
    mcp: mcp.optional(),
    http: http.optional(),
    manifest: word(/^(?:builtin:[a-z0-9-]+|(?!builtin:)[^\0]+)$/, '`builtin:<name>` or a path').optional(),
    credential: credential.optional(),
    trustAnnotations: flag.optional(),
    mode: mode.optional(),
    quarantine: z.union([flag, listOf(someText, 'names of tools')], { error: '`true`, or a list of tools' }).optional(),
    envoy: closed({ external: webUrl, upstream: webUrl }, 'a map of `external` and `upstream`').optional(),
  },
  'a tool server, such as `{ mcp: { url: … } }`',
)
  .refine((one) => (one.mcp === undefined) !== (one.http === undefined), { error: 'either `mcp` or `http`' })
  .refine(({ http, trustAnnotations, quarantine, envoy }) => !http || !(trustAnnotations ?? quarantine ?? envoy), {
    error: '`trustAnnotations`, `quarantine` and `envoy` beside `mcp` only',
  })
  .meta({ oneOf: [{ required: ['mcp'] }, { required: ['http'] }] });

const user = closed(
  {
    passwordFile: path.optional(),
    roles: listOf(oneOfWords(['admin', 'approver']), 'roles').optional(),
    email: word(/^[^\s@]+@[^\s@]+$/, 'an e-mail address').optional(),
    addresses: listOf(word(/^\S.*$/, 'an address, such as an IBAN'), 'addresses and accounts').optional(),
  },
  'a person, such as `{ passwordFile: ./howard.hash }`',
);

const client = closed(
  {
    redirectUris: listOf(word(/^[a-z][a-z0-9+.-]*:\S+$/, 'a redirect URI'), 'redirect URIs').optional(),
    calls: calls.optional(),
    scopes: scopes.optional(),
    bearer: flag.optional(),
    jwks: jwks.optional(),
  },
  'an OAuth client, such as `{ redirectUris: […], calls: [files] }`',
);

const partner = closed(
  {
    url: word(/^https:\/\/[^\s@#]+$/, 'an address `https://…` without user and fragment'),
    profile: oneOfWords(['https_web', 'https_spiffe']),
    endpoint: word(/^spiffe:\/\/\S+$/, 'the SPIFFE ID of its endpoint').optional(),
    bundle: path.optional(),
    ca: path.optional(),
  },
  'a partner, such as `{ url: https://partner.example/bundle.json, profile: https_web }`',
);

const optionalMap = <Key extends z.ZodType<string, string>, Value extends z.ZodType>(
  key: Key,
  value: Value,
  expected: string,
) => z.record(key, value, { error: `a map of ${expected}` }).optional();

export const ConfigFile = closed(
  {
    version: z.literal(1, { error: 'the number `1`' }).describe('format of this file'),
    trustDomain: word(/^[a-z0-9._-]{1,255}$/, 'a SPIFFE trust domain, such as `example.org`'),
    data: path.optional(),
    listen: closed(
      {
        mtls: address.optional(),
        oauth: address.optional(),
        admin: address.optional(),
        issuer: address.optional(),
        envoy: path.optional(),
      },
      'a map of addresses',
    ).optional(),
    external: closed(
      { mtls: webUrl.optional(), oauth: webUrl.optional(), issuer: webUrl.optional() },
      'a map of public base URLs',
    ).optional(),
    identity: closed(
      {
        ttl: duration.optional(),
        source: oneOfWords(['plane', 'workloadApi']).optional(),
        socket: word(/^(?:unix:\/\/\/|tcp:\/\/)\S+$/, 'an endpoint `unix:///…` or `tcp://<IP>:<port>`').optional(),
      },
      'a map with `ttl`, `source` and `socket`',
    ).optional(),
    federation: closed(
      {
        listen: address.optional(),
        partners: optionalMap(word(/^\S+$/, 'a trust domain'), partner, 'partners by trust domain'),
      },
      'a map with `listen` and `partners`',
    ).optional(),
    tasks: closed(
      {
        depth: wholeNumber(0, 15, 'how often a task may be handed on').optional(),
        ttl: duration.optional(),
        scopeFromPrompt: flag.optional(),
        bindArguments: flag.optional(),
      },
      'a map with `depth`, `ttl`, `scopeFromPrompt` and `bindArguments`',
    ).optional(),
    trust: closed(
      { rule: oneOfWords(['provenance', 'floor']).optional() },
      'a map with `rule`, `provenance` or `floor`',
    ).optional(),
    store: closed(
      { url: word(/^postgres(?:ql)?:\/\/\S+$/, 'a URL `postgres://…`') },
      'a map with the `url` of a PostgreSQL database',
    ).optional(),
    audit: closed({ witnesses: path.optional() }, 'a map with `witnesses`, the path of a policy file').optional(),
    agents: optionalMap(agentKey, agent, 'agents by key'),
    servers: optionalMap(serverKey, server, 'tool servers by key'),
    users: optionalMap(userName, user, 'people by name'),
    clients: optionalMap(word(/^\S{1,512}$/, 'a client id without spaces'), client, 'OAuth clients by client id'),
    mandates: optionalMap(word(/^[A-Za-z0-9_-]{1,128}$/, 'a mandate name'), mandate, 'mandates by name'),
    policy: path.optional(),
    pdp: optionalMap(word(/^[a-z0-9-]{1,64}$/, 'a name in lower case'), decisionPoint, 'decision points by name'),
    approvals: closed(
      {
        perHour: wholeNumber(1, 1_000, 'how many questions a person is asked in an hour').optional(),
        ttl: duration.optional(),
        webhook: closed(
          { url: secretUrl, secret, arguments: flag.optional() },
          'a map with `url`, `secret` and `arguments`',
        ).optional(),
      },
      'a map with `perHour`, `ttl` and `webhook`',
    ).optional(),
    flow: closed(
      { perCaller: wholeNumber(1, 100_000, 'how many calls of one caller may be under way').optional() },
      'a map with `perCaller`',
    ).optional(),
    limits: listOf(limit, 'limits `{ max, per }`').optional(),
    allow: listOf(allowLine, 'lines `{ agent, tool }`').optional(),
    mode: mode.optional(),
    telemetry: closed(
      {
        metrics: flag.optional(),
        traces: closed(
          {
            url: webUrl,
            percent: wholeNumber(1, 100, 'how many of 100 traces are sent').optional(),
            headers: z
              .record(word(/^[A-Za-z0-9-]{1,64}$/, 'a header name'), secret, { error: 'a map of header to secret' })
              .optional(),
            ca: path.optional(),
          },
          'a map with the `url` of an OTLP collector, such as `http://127.0.0.1:4318/v1/traces`',
        )
          .refine(({ url, headers }) => headers === undefined || secretUrl.safeParse(url).success, {
            error: 'an https URL, or http on loopback, where `headers` are sent',
          })
          .optional(),
      },
      'a map with `metrics` and `traces`',
    ).optional(),
  },
  'a map that begins with `version: 1`',
);

/** What was written, before paths, durations and defaults are worked out. */
export type ConfigFile = z.output<typeof ConfigFile>;
