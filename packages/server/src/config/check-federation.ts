// Partners are configured whole: trust domain, address and profile say together what is expected (SPIFFE Federation §5.1).

import { isTrustDomain, parseSpiffeId, pathOf } from '@writ/core';
import type { Complaint } from './problems.ts';
import type { ConfigFile } from './schema.ts';

export function checkFederation({ federation, trustDomain }: ConfigFile): readonly Complaint[] {
  return Object.entries(federation?.partners ?? {}).flatMap(([name, partner]): Complaint[] => {
    const path = ['federation', 'partners', name];
    const wrong = (key: string | null, says: string, expected: string): Complaint => ({
      path: key === null ? path : [...path, key],
      at: key === null ? 'key' : 'value',
      says,
      expected,
    });
    const found: Complaint[] = [];
    if (name === trustDomain) found.push(wrong(null, `\`${name}\` is this plane's own trust domain`, 'another one'));
    else if (!isTrustDomain(name))
      found.push(wrong(null, `\`${name}\` is not a trust domain`, 'a SPIFFE trust domain'));
    const { profile, endpoint, bundle, ca } = partner;
    if (profile === 'https_web') {
      if (endpoint !== undefined)
        found.push(wrong('endpoint', 'an identity of the endpoint is not checked by `https_web`', '`https_spiffe`'));
      return found;
    }
    if (ca !== undefined) found.push(wrong('ca', 'a web authority is not asked by `https_spiffe`', '`bundle`'));
    const id = endpoint === undefined ? null : parseSpiffeId(endpoint);
    if (id === null || pathOf(id) === '')
      found.push(wrong('endpoint', '`https_spiffe` needs the identity of the endpoint', '`endpoint: spiffe://…/…`'));
    else if (bundle === undefined && !id.startsWith(`spiffe://${trustDomain}/`))
      found.push(wrong('bundle', '`https_spiffe` needs a bundle to begin with', '`bundle: ./partner.json`'));
    return found;
  });
}
