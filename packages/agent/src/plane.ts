// Where the plane is and what its callees are called: addresses and names only, nothing is dialled here (contract §4, §5).

import { isJsonObject, type JsonValue, parseSpiffeId, type SpiffeId } from '@writ/core';

export interface Plane {
  /** Base of the gateway's mutual TLS listener, without a final slash. */
  readonly mtls: string;
  /** Token endpoint at that listener. */
  readonly tokenUrl: string;
  /** Whom a dialler must find there: one SPIFFE ID, never a whole trust domain (rules §1.3). */
  readonly gatewayId: SpiffeId;
  /** Issuer URL; its well-known documents hold the keys of `Writ-Context`. */
  readonly issuer: string;
  /** SPIFFE endpoint, `unix://…`; null: the environment's. */
  readonly workloadApi: string | null;
}

/** Fields of the ready line (contract §4) that an agent needs. Throws a sentence about the first that is missing. */
export function planeFromReady(ready: unknown): Plane {
  const line = isJsonObject(ready) ? ready : {};
  const gateway = isJsonObject(line.gateway) ? line.gateway : {};
  const mtls = withoutFinalSlash(needed(gateway.mtls, 'gateway.mtls'));
  return {
    mtls,
    tokenUrl: needed(line.tokenMtls ?? `${mtls}/oauth/token`, 'tokenMtls'),
    gatewayId: spiffeId(needed(line.gatewayId, 'gatewayId')),
    issuer: withoutFinalSlash(needed(line.issuer, 'issuer')),
    workloadApi: typeof line.workloadApi === 'string' ? line.workloadApi : null,
  };
}

/** From `WRIT_MTLS`, `WRIT_ISSUER`, `WRIT_GATEWAY_ID`: what an operator writes into a unit file. Null without `WRIT_MTLS`. */
export function planeFromVariables(env: { readonly [name: string]: string | undefined }): Plane | null {
  if (!env.WRIT_MTLS) return null;
  return planeFromReady({ gateway: { mtls: env.WRIT_MTLS }, issuer: env.WRIT_ISSUER, gatewayId: env.WRIT_GATEWAY_ID });
}

/** A callee by its key: `files` is a server, `db/agent` an agent; the two share one namespace (contract §5). */
export interface Callee {
  readonly kind: 'server' | 'agent' | 'upstream';
  readonly key: string;
  /** Endpoint URL, which is the audience. */
  readonly url: string;
}

const KEY = /^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)?$/;

/** Throws when the text is not a key: what somebody typed wrongly is not asked of the plane. */
export function calleeOf(plane: Plane, key: string): Callee {
  const found = KEY.exec(key);
  if (!found)
    throw new TypeError(`\`${key}\` is neither a server, such as \`files\`, nor an agent, such as \`db/agent\``);
  const kind = found[1] === undefined ? 'server' : 'agent';
  return { kind, key, url: `${plane.mtls}/${kind === 'server' ? 'mcp' : 'a2a'}/${key}` };
}

/** A plain HTTP upstream, whose key looks like a server's. Throws for any other text. */
export function upstreamOf(plane: Plane, key: string): Callee {
  if (calleeOf(plane, key).kind === 'agent') throw new TypeError(`\`${key}\` is an agent by its name`);
  return { kind: 'upstream', key, url: `${plane.mtls}/http/${key}` };
}

function needed(value: JsonValue | undefined, name: string): string {
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(
      `the description of the plane lacks \`${name}\`; hand in the line that \`writ up --json\` prints`,
    );
  }
  return value;
}

function spiffeId(text: string): SpiffeId {
  const id = parseSpiffeId(text);
  if (id === null)
    throw new TypeError(
      `\`${text}\` is not a SPIFFE ID; the gateway's looks like \`spiffe://zylos.local/writ/gateway\``,
    );
  return id;
}

function withoutFinalSlash(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url;
}
