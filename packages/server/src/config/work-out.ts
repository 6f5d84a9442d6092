// From what was written to what is meant: defaults, absolute paths, seconds. Total: whatever passed the schema and the
// cross-checks has exactly one meaning.

import { dirname, resolve } from 'node:path';
import type { Constraint, JsonObject } from '@writ/core';
import type {
  Address,
  AgentConfig,
  AllowLine,
  Config,
  DecisionPoint,
  MandateConfig,
  McpConfig,
  Mode,
  PublicKeys,
  ServerConfig,
  TelemetryConfig,
} from './config.ts';
import { credentialOf, environmentValueOf, secretOf } from './credential.ts';
import { DEFAULTS } from './defaults.ts';
import type { ConfigFile } from './schema.ts';
import { ceilingOf, durationSeconds } from './words.ts';

type Written<Section extends 'agents' | 'servers' | 'mandates' | 'pdp'> = NonNullable<ConfigFile[Section]>[string];
type WrittenLine = NonNullable<ConfigFile['allow']>[number];
type WrittenConstraint = NonNullable<WrittenLine['where']>[string];

/** `file` is absolute: relative paths start at its folder. */
export function workOut(written: ConfigFile, file: string): Config {
  const at = (path: string): string => resolve(dirname(file), path);
  const { listen = {}, external = {}, tasks = {}, identity = {} } = written;
  return {
    file,
    trustDomain: written.trustDomain,
    dataDir: at(written.data ?? DEFAULTS.dataDir),
    listen: {
      mtls: parseAddress(listen.mtls ?? DEFAULTS.listen.mtls),
      oauth: parseAddress(listen.oauth ?? DEFAULTS.listen.oauth),
      admin: parseAddress(listen.admin ?? DEFAULTS.listen.admin),
      issuer: listen.issuer === undefined ? null : parseAddress(listen.issuer),
    },
    external: {
      mtls: baseUrl(external.mtls),
      oauth: baseUrl(external.oauth),
      issuer: baseUrl(external.issuer),
    },
    identity: {
      ttlSeconds: durationSeconds(identity.ttl ?? DEFAULTS.identityTtl),
      externalSocket: identity.source === 'workloadApi' ? identity.socket! : null,
    },
    federation: {
      listen: written.federation?.listen === undefined ? null : parseAddress(written.federation.listen),
      partners: mapped(written.federation?.partners, ({ url, profile, endpoint, bundle, ca }) => ({
        ...{ url, profile, endpoint: endpoint ?? null },
        bundleFile: bundle === undefined ? null : at(bundle),
        caFile: ca === undefined ? null : at(ca),
      })),
    },
    tasks: {
      depth: tasks.depth ?? DEFAULTS.taskDepth,
      ttlSeconds: durationSeconds(tasks.ttl ?? DEFAULTS.taskTtl),
      scopeFromPrompt: tasks.scopeFromPrompt ?? false,
      bindArguments: tasks.bindArguments ?? true,
    },
    approvals: approvalsOf(written.approvals, at),
    flow: { perCaller: written.flow?.perCaller ?? DEFAULTS.perCaller },
    limits: (written.limits ?? []).map(({ max, per, of, every }, i) => ({
      ...ceilingOf(max)!,
      id: `limit.${i + 1}`,
      per,
      of: of ?? null,
      windowSeconds: every === undefined ? null : durationSeconds(every),
    })),
    trust: { rule: written.trust?.rule ?? 'provenance' },
    store: { url: written.store?.url ?? null },
    audit: { witnessesFile: written.audit?.witnesses === undefined ? null : at(written.audit.witnesses) },
    agents: mapped(written.agents, (agent) => agentOf(agent, at)),
    servers: mapped(written.servers, (server) => serverOf(server, at)),
    users: mapped(written.users, (user) => ({
      passwordFile: user.passwordFile === undefined ? null : at(user.passwordFile),
      roles: user.roles ?? [],
      email: user.email ?? null,
      addresses: user.addresses ?? [],
    })),
    clients: mapped(written.clients, (client) => ({
      redirectUris: client.redirectUris ?? [],
      calls: client.calls ?? [],
      scopes: client.scopes ?? [],
      bearer: client.bearer ?? false,
      jwks: publicKeys(client.jwks, at),
    })),
    mandates: mapped(written.mandates, mandateOf),
    policyDir: written.policy === undefined ? null : at(written.policy),
    pdp: mapped(written.pdp, (point) => decisionPointOf(point, at)),
    allow: (written.allow ?? []).map(allowOf),
    mode: modeOf(written.mode ?? 'enforce'),
    telemetry: telemetryOf(written.telemetry ?? {}, at),
  };
}

function telemetryOf(
  { metrics, traces }: NonNullable<ConfigFile['telemetry']>,
  at: (path: string) => string,
): TelemetryConfig {
  return {
    metrics: metrics === undefined ? 'asked' : metrics ? 'started' : 'off',
    traces: traces
      ? {
          url: traces.url,
          percent: traces.percent ?? DEFAULTS.tracePercent,
          headers: mapped(traces.headers, (header) => secretOf(header, at)),
          caFile: traces.ca === undefined ? null : at(traces.ca),
        }
      : null,
  };
}

/** `[::1]:8443` has host `::1`. The form was checked by the schema. */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

function agentOf(agent: Written<'agents'>, at: (path: string) => string): AgentConfig {
  const { attest, jwks, a2a } = agent;
  return {
    attest:
      attest === undefined ? null : { ...attest, ...(attest.path === undefined ? {} : { path: at(attest.path) }) },
    jwks: publicKeys(jwks, at),
    calls: agent.calls ?? [],
    scopes: agent.scopes ?? [],
    inputs: agent.inputs ?? 'open',
    memory: agent.memory ?? null,
    a2a: a2a === undefined ? null : a2a.startsWith('unix:') ? `unix:${at(a2a.slice('unix:'.length))}` : a2a,
    run: agent.run ?? false,
    registersPrompts: agent.registersPrompts ?? false,
    ttlSeconds: agent.ttl === undefined ? null : durationSeconds(agent.ttl),
    pep: agent.pep ?? [],
  };
}

function publicKeys(jwks: Written<'agents'>['jwks'], at: (path: string) => string): PublicKeys | null {
  if (jwks === undefined) return null;
  return typeof jwks === 'string'
    ? { kind: 'file', path: at(jwks) }
    : { kind: 'inline', keys: jwks.keys as JsonObject[] };
}

function serverOf(server: Written<'servers'>, at: (path: string) => string): ServerConfig {
  const { manifest, credential, http } = server;
  return {
    ...(http
      ? { mcp: null, http: { url: http.url, openapiFile: at(http.openapi) } }
      : { mcp: mcpOf(server.mcp!, at), http: null }),
    manifest:
      manifest === undefined
        ? null
        : manifest.startsWith('builtin:')
          ? { kind: 'builtin', name: manifest.slice('builtin:'.length) }
          : { kind: 'file', path: at(manifest) },
    credential: credential === undefined ? null : credentialOf(credential, at),
    trustAnnotations: server.trustAnnotations ?? false,
    quarantine: new Set(server.quarantine === true ? ['*'] : server.quarantine || []),
    mode: server.mode === undefined ? null : modeOf(server.mode),
  };
}

function mcpOf(mcp: NonNullable<Written<'servers'>['mcp']>, at: (path: string) => string): McpConfig {
  if (mcp.url !== undefined) return { kind: 'url', url: mcp.url };
  return {
    kind: 'command',
    command: mcp.command!,
    env: mapped(mcp.env, (value) => environmentValueOf(value, at)),
    shared: mcp.shared ?? false,
  };
}

function decisionPointOf(point: Written<'pdp'>, at: (path: string) => string): DecisionPoint {
  if (point.bundle !== undefined) return { kind: 'bundle', path: at(point.bundle), rule: point.rule! };
  return {
    ...(point.opa === undefined ? { kind: 'authzen', url: point.authzen! } : { kind: 'opa', url: point.opa }),
    sends: point.sends ?? [],
    timeoutMillis: point.timeoutMillis ?? DEFAULTS.pdpTimeoutMillis,
    credential: point.credential === undefined ? null : secretOf(point.credential, at),
    caFile: point.ca === undefined ? null : at(point.ca),
  };
}

function approvalsOf(written: ConfigFile['approvals'], at: (path: string) => string): Config['approvals'] {
  const { perHour, ttl, webhook } = written ?? {};
  return {
    perHourMax: perHour ?? DEFAULTS.questionsPerHour,
    lifeSeconds: durationSeconds(ttl ?? DEFAULTS.questionTtl),
    webhook:
      webhook === undefined
        ? null
        : { url: webhook.url, secret: secretOf(webhook.secret, at), showArguments: webhook.arguments ?? false },
  };
}

function mandateOf(mandate: Written<'mandates'>): MandateConfig {
  return {
    owner: mandate.owner,
    agent: mandate.agent,
    prompt: mandate.prompt,
    scopes: mandate.scopes,
    depth: mandate.depth ?? DEFAULTS.mandateDepth,
    budget: mandate.budget ?? [],
    schedule: mandate.schedule,
    windowSeconds: durationSeconds(mandate.window ?? DEFAULTS.mandateWindow),
    expires: mandate.expires,
    reviewed: mandate.reviewed ?? null,
  };
}

function allowOf(line: WrittenLine): AllowLine {
  const [server, tool] = splitTool(line.tool);
  return {
    agent: line.agent,
    server,
    tool,
    where: mapped(line.where, constraintOf),
    users: line.users ?? null,
    risk: line.risk ?? null,
    mode: line.mode === undefined ? null : modeOf(line.mode),
  };
}

/** `files/read_file` → server and tool; a tool name may hold further slashes. */
export function splitTool(text: string): [server: string, tool: string] {
  const slash = text.indexOf('/');
  return [text.slice(0, slash), text.slice(slash + 1)];
}

function constraintOf(written: WrittenConstraint): Constraint {
  if (written.any !== undefined) return { any: true };
  if (written.oneOf !== undefined) return { oneOf: written.oneOf };
  if (written.urlHost !== undefined) return { urlHost: written.urlHost };
  if (written.cidr !== undefined) return { cidr: written.cidr };
  if (written.matches !== undefined) return { matches: written.matches };
  if (written.subpath !== undefined) {
    return {
      subpath: typeof written.subpath === 'string' ? { root: written.subpath, separator: '/' } : written.subpath,
    };
  }
  const { min, max } = written.range!;
  return {
    range: { ...(min === undefined ? {} : { min: String(min) }), ...(max === undefined ? {} : { max: String(max) }) },
  };
}

function modeOf(mode: NonNullable<ConfigFile['mode']>): Mode {
  return typeof mode === 'string' ? { kind: mode, until: null } : mode;
}

function baseUrl(text: string | undefined): string | null {
  return text === undefined ? null : text.replace(/\/+$/, '');
}

function mapped<In, Out>(
  section: { readonly [key: string]: In } | undefined,
  turn: (value: In) => Out,
): ReadonlyMap<string, Out> {
  return new Map(Object.entries(section ?? {}).map(([key, value]) => [key, turn(value)]));
}
