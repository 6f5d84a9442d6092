// The plane's authorization server as its own command line sees it.

import { isJsonObject, type JsonObject } from '@writ/core';
import { ask } from './client.ts';
import { unreachable } from './stop.ts';

export interface Issuer {
  readonly issuer: string;
  /** RFC 8414. */
  readonly metadata: JsonObject;
}

/** The plane's own client for this program, public, known to the authorization server without registration. */
export const CLIENT_ID = 'writ-cli';

/** The one scope of the plane's own API. */
export const API_SCOPE = 'api';

/** Reads the metadata. Throws a Stop when there is none that speaks for `issuer`. */
export async function describeIssuer(issuer: string): Promise<Issuer> {
  const answer = await ask({ url: `${issuer}/.well-known/oauth-authorization-server` });
  // RFC 8414 §3.3: a document of another issuer is not believed.
  if (isJsonObject(answer.body) && answer.body.issuer === issuer) return { issuer, metadata: answer.body };
  throw unreachable(`\`${issuer}\` does not describe itself as an authorization server`);
}

/** An endpoint of the metadata. */
export function endpoint({ metadata, issuer }: Issuer, member: string): string {
  const url = metadata[member];
  if (typeof url !== 'string') throw unreachable(`\`${issuer}\` does not publish its \`${member}\``);
  return url;
}

/** The one resource that the plane's own clients may ask for. Rules §1.2. */
export function apiResource({ issuer }: Issuer): string {
  return `${issuer}/api/v1`;
}
