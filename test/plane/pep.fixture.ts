// Agents as gateways that ask the plane for decisions: `fetch` over mutual TLS, and JSON both ways.

import type { FetchLike } from '@writ/agent';
import { mtlsAgent, mtlsFetch } from '@writ/agent/node';
import type { TestPlane } from '../plane.fixture.ts';

const dials: { destroy(): void }[] = [];

/** With a real SVID of that agent, to the `mtls` listener. */
export async function fetchAs(world: TestPlane, path: string): Promise<FetchLike> {
  const svid = await world.svid(path);
  const dial = mtlsAgent({ svid: () => svid, expect: 'spiffe://zylos.local/writ/gateway' as never });
  dials.push(dial);
  return mtlsFetch(dial);
}

export function closeDials(): void {
  for (const dial of dials) dial.destroy();
}

export interface AuthzenContext {
  readonly reason?: string;
  readonly evaluation_id: string;
  readonly next_action?: string;
  readonly approval?: { readonly id: string; readonly approved_until: string };
  readonly access_request?: {
    readonly endpoint: string;
    readonly binding_token: string;
    readonly expires_at: string;
    readonly form_url: string;
  };
}

export interface AuthzenAnswer {
  readonly decision?: boolean;
  readonly evaluations?: readonly { readonly decision: boolean; readonly context: AuthzenContext }[];
  readonly context: AuthzenContext;
  readonly task?: { readonly id: string; readonly status: string; readonly status_endpoint: string };
  readonly result?: { readonly mode: string; readonly approval: { readonly id: string } };
  /** Of a problem (RFC 9457). */
  readonly type?: string;
}

/** `bearer` beside the credential that the connection may have. Without a body it is a GET. */
export async function askJson(as: FetchLike, url: string, body?: object, bearer?: string) {
  const answer = await as(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text.startsWith('{') ? (JSON.parse(text) as AuthzenAnswer) : null };
}
