// Every refusal leaves two traces: the answer names it (contract §5), and the log has it. An outage is a refusal as well.

import { type DenialCode, denial, says } from '@writ/core';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { peerOf } from './front-request.ts';
import type { AuthorizationServerDeps } from './ports.ts';
import { denialOf } from './refusal.ts';

const ERROR_EVENTS = [
  'authorization.error',
  'code_verification.error',
  'device_authorization.error',
  'device_resume.error',
  'grant.error',
  'introspection.error',
  'revocation.error',
  'server_error',
] as const;

/** Answers to a device that asks again: nobody was refused anything. RFC 8628 §3.5. */
const WAITING = new Set(['authorization_pending', 'slow_down']);

interface LibraryError {
  readonly error?: string;
  readonly error_detail?: string;
  readonly statusCode?: number;
}

export function explainRefusals(provider: Provider, deps: AuthorizationServerDeps): void {
  const thrown = new WeakMap<object, LibraryError>();
  const note = (ctx: object, error: unknown) => thrown.set(ctx, error as LibraryError);
  for (const name of ERROR_EVENTS) provider.on(name as 'grant.error', note);
  provider.use(async (context, next) => {
    await next();
    const ctx = context as unknown as KoaContextWithOIDC;
    const error = thrown.get(ctx);
    if (error === undefined || WAITING.has(error.error ?? '')) return;
    const outage = error.error === undefined || error.error === 'server_error';
    if (outage) answerOutage(ctx, error, deps);
    await recordRefusal(ctx, error, outage, deps);
  });
}

function answerOutage(ctx: KoaContextWithOIDC, error: LibraryError, deps: AuthorizationServerDeps): void {
  deps.report(`authorization server ${ctx.path}`, error);
  ctx.status = 503;
  ctx.body = { error: 'temporarily_unavailable', error_description: says(outageCode(error)) };
}

async function recordRefusal(
  ctx: KoaContextWithOIDC,
  error: LibraryError,
  outage: boolean,
  deps: AuthorizationServerDeps,
): Promise<void> {
  const id = deps.newId();
  const why = outage ? denial(outageCode(error)) : denialOf(error);
  ctx.set('Writ-Decision', id);
  if (typeof ctx.body === 'object' && ctx.body !== null) {
    ctx.body = { ...ctx.body, ...(why ? { code: why.code } : {}), decisionId: id };
  }
  const client = provenClient(ctx, error);
  const named = ctx.oidc?.client?.clientId;
  const refused = {
    event: 'token.refused',
    id,
    client,
    source: peerOf(ctx.req)?.remote ?? ctx.ip,
    grant: grantOf(ctx),
    error: outage ? 'temporarily_unavailable' : (error.error ?? 'invalid_request'),
    code: why?.code ?? null,
    detail: {
      ...(why?.detail ?? (error.error_detail === undefined ? {} : { why: error.error_detail.slice(0, 300) })),
      ...(client === null && named !== undefined ? { named } : {}),
    },
  } as const;
  // Refusing needs no durable record; that it is missing is for the operator.
  await deps.record(refused).catch((failure: unknown) => deps.report('record of a refusal', failure));
}

/** Nobody is told apart from this client by an assertion that another fault kept from being looked at. */
const UNPROVEN = new Set(['invalid_client', 'invalid_request']);
const AUTHENTICATING = new Set(['token', 'introspection', 'revocation', 'device_authorization']);

/** The client, where something proved it: a name alone, as a public client gives, is anybody's (rules §1.7). */
function provenClient(ctx: KoaContextWithOIDC, { error }: LibraryError): string | null {
  const client = ctx.oidc?.client;
  if (!client) return null;
  const peer = peerOf(ctx.req);
  if (peer && peer.listener !== 'oauth' && peer.spiffeId === client.clientId) return client.clientId;
  const asserted = client.clientAuthMethod === 'private_key_jwt' && AUTHENTICATING.has(ctx.oidc.route);
  return asserted && !UNPROVEN.has(error ?? '') ? client.clientId : null;
}

function grantOf(ctx: KoaContextWithOIDC): string | null {
  const grant = ctx.oidc?.params?.grant_type;
  return typeof grant === 'string' ? grant.slice(0, 100) : (ctx.oidc?.route ?? null);
}

function outageCode(error: unknown): DenialCode {
  return error instanceof Error && error.name === 'AuditUnavailable' ? 'audit.unavailable' : 'gateway.outage';
}
