// Protected resource metadata of an endpoint that refused: where its challenge points, else at the well-known places. RFC 9728 §3, §5.

import { isJsonObject } from '@writ/core';
import type { Answer, Ask } from './ask.ts';
import { parseJson } from './rpc.ts';
import type { Metadata } from './seen.ts';

export async function askMetadata(ask: Ask, url: string, refusal: Answer): Promise<Metadata> {
  const { origin, pathname } = new URL(url);
  const challenge = refusal.kind === 'answer' ? (refusal.headers['www-authenticate'] ?? '') : '';
  const pointed = /\bresource_metadata\s*=\s*"?([^",\s]+)/i.exec(challenge)?.[1];
  const named = pointed !== undefined && URL.canParse(pointed, url) ? new URL(pointed, url) : null;
  // Another host was not named by whoever started the scan.
  if (named !== null && named.origin !== origin) return { state: 'elsewhere', url: named.origin };
  const wellKnown = '/.well-known/oauth-protected-resource';
  const places = [named?.href, `${origin}${wellKnown}${pathname === '/' ? '' : pathname}`, `${origin}${wellKnown}`];
  for (const place of new Set(places.filter((one) => one !== undefined))) {
    const answer = await ask({ method: 'GET', url: place, headers: { Accept: 'application/json' } });
    const found = answer.kind === 'answer' && answer.status === 200 ? parseJson(answer.text) : undefined;
    if (!isJsonObject(found) || !('resource' in found)) continue;
    const texts = (value: unknown) => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);
    return {
      state: 'present',
      resource: typeof found.resource === 'string' ? found.resource : null,
      issuers: texts(found.authorization_servers),
      scopes: texts(found.scopes_supported),
    };
  }
  return { state: 'absent' };
}
