// Partners' bundles and our own for them: wires the transport room's poller and endpoint to the authority and the configuration.

import { randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleDocument, type JsonObject, parseSpiffeId } from '@writ/core';
import type { Config, PartnerConfig } from '../config/config.ts';
import type { Authority, SvidWithKey } from '../transport/ca.ts';
import { type Federation, openFederation, type Partner } from '../transport/federation.ts';
import { type BundleEndpoint, createBundleEndpoint } from '../transport/federation-endpoint.ts';
import { tlsIdentity } from '../transport/tls-pem.ts';

/** Federation §5.2.3. A new key is published five of these before it signs. */
const refreshSeconds = 300;

export interface FederationDeps {
  readonly config: Config;
  readonly dataDir: string;
  readonly clock: { nowSeconds(): number };
  readonly authority: Authority;
  event(name: string, detail: JsonObject): void;
  say(sentence: string): void;
  /** A partner's bundle is another than before. */
  onChange(): void;
}

export async function openPartners(deps: FederationDeps): Promise<Federation> {
  const { config, authority, event, say } = deps;
  const federation: Federation = await openFederation({
    partners: [...config.federation.partners].map(([name, partner]) => partnerOf(name, partner)),
    dir: join(deps.dataDir, 'federation'),
    ownRoots: () => authority.bundle(),
    trustDomain: config.trustDomain,
    clock: deps.clock,
    suffix: randomUUID,
    onChange(trustDomain) {
      const { roots, jwtKeys, sequence } = federation.bundles().get(trustDomain)!;
      event('federation.bundle', { trustDomain, roots: roots.length, jwtKeys: jwtKeys.size, sequence });
      deps.onChange();
    },
    onProblem(trustDomain, says) {
      event('federation.problem', { trustDomain, says });
      say(`the bundle of \`${trustDomain}\`: ${says}`);
    },
  });
  return federation;
}

/** Null when nothing is configured to listen. */
export async function openBundleEndpoint(
  { config, authority, say }: Pick<FederationDeps, 'config' | 'authority' | 'say'>,
  svid: SvidWithKey,
): Promise<BundleEndpoint | null> {
  if (config.federation.listen === null) return null;
  const endpoint = createBundleEndpoint({ identity: tlsIdentity(svid), document: () => documentOf(authority) });
  const { host, port } = await endpoint.listen(config.federation.listen);
  say(`partners fetch the bundle of this trust domain at https://${host}:${port}/ from \`${svid.spiffeId}\``);
  return endpoint;
}

function documentOf(authority: Authority): JsonObject {
  const roots = authority.bundle().map((der) => {
    const jwk = new X509Certificate(der).publicKey.export({ format: 'jwk' });
    return { der, jwk: jwk as JsonObject };
  });
  return bundleDocument({ roots, jwtKeys: authority.jwtKeys(), sequence: authority.sequence(), refreshSeconds });
}

function partnerOf(trustDomain: string, { url, profile, endpoint, bundleFile, caFile }: PartnerConfig): Partner {
  const bootstrap = bundleFile === null ? null : textOf(bundleFile);
  if (profile === 'https_web') {
    const caPem = caFile === null ? null : textOf(caFile);
    return { trustDomain, url, profile: { kind: 'https_web', caPem }, bootstrap };
  }
  return { trustDomain, url, profile: { kind: 'https_spiffe', endpointId: parseSpiffeId(endpoint!)! }, bootstrap };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(
      `\`${file}\` cannot be read (${(cause as NodeJS.ErrnoException).code}); see \`federation.partners\``,
      {
        cause,
      },
    );
  }
}
