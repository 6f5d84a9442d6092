// One look at a partner's bundle endpoint (SPIFFE Federation §5.2). The trust domain, the address and the profile were configured
// together and say what is expected; an answer that is anything else is no bundle. Redirects are not followed.

import { request } from 'node:https';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import { type Bundle, readBundle, type SpiffeId } from '@writ/core';
import { readSvid } from './svid.ts';
import { toPem } from './tls-pem.ts';

export type EndpointProfile =
  | { readonly kind: 'https_web' /** PEM; null: the public roots of this Node. */; readonly caPem: string | null }
  | { readonly kind: 'https_spiffe'; readonly endpointId: SpiffeId };

const answerMillisMax = 10_000;
const bytesMax = 1024 * 1024;

/** The bundle with the text it came in, or a sentence for the operator. `roots`: who may vouch for a SPIFFE endpoint, DER. */
export async function fetchBundle(
  url: string,
  profile: EndpointProfile,
  roots: readonly Uint8Array[],
  clock: { nowSeconds(): number },
): Promise<{ readonly bundle: Bundle; readonly text: string } | string> {
  if (profile.kind === 'https_spiffe' && roots.length === 0)
    return 'no key of its endpoint is held any more; configure its bundle anew';
  try {
    const body = await get(
      url,
      profile.kind === 'https_web' ? webTls(profile.caPem) : svidTls(profile.endpointId, roots, clock),
    );
    const bundle = readBundle(body);
    return typeof bundle === 'string' ? `its endpoint answers with ${bundle}` : { bundle, text: body.toString() };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function webTls(caPem: string | null): ConnectionOptions {
  return caPem === null ? {} : { ca: caPem };
}

/** The names of a SPIFFE endpoint are not host names: only its one identity counts. */
function svidTls(
  endpointId: SpiffeId,
  roots: readonly Uint8Array[],
  clock: { nowSeconds(): number },
): ConnectionOptions {
  return {
    ca: roots.map((der) => toPem('CERTIFICATE', der)),
    checkServerIdentity(_host: string, { raw }: PeerCertificate): Error | undefined {
      const read = readSvid(raw, { nowSeconds: clock.nowSeconds() });
      if (read.outcome === 'deny') return new Error(`its endpoint shows no SVID (${read.denial.code})`);
      const { spiffeId } = read.facts;
      return spiffeId === endpointId ? undefined : new Error(`its endpoint is \`${spiffeId}\`, not \`${endpointId}\``);
    },
  };
}

function get(url: string, tls: ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(answerMillisMax);
    const asked = request(
      url,
      { ...tls, agent: false, minVersion: 'TLSv1.2', signal, headers: { accept: 'application/json' } },
      (answer) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        if (answer.statusCode !== 200) {
          asked.destroy();
          return reject(new Error(`its endpoint answers ${answer.statusCode}`));
        }
        answer.on('data', (part: Buffer) => {
          bytes += part.length;
          if (bytes > bytesMax) asked.destroy(new Error('its endpoint does not stop answering'));
          else parts.push(part);
        });
        answer.on('end', () => resolve(Buffer.concat(parts)));
        answer.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}
