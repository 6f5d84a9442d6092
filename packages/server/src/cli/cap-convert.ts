// `writ cap convert`: the same authority in another form, or `token.not_expressible`. Between AIP's encodings the issuer signs again;
// a macaroon changes its form. From a JWT of a plane to a capability or back nothing is converted: only the plane could vouch for it, and
// it issues none.

import { cap } from '@writ/core';
import { ed25519KeyOf } from '@writ/core/node';
import { encodingOf } from './cap-chain.ts';
import { capEngine, freshId, freshKey, readCapability, readKey } from './cap-keys.ts';
import { tellToken } from './cap-mint.ts';
import { refused, usage } from './stop.ts';
import { verb } from './verb.ts';

export const convert = verb({
  summary: 'say the same authority in another form, or refuse',
  options: {
    token: { type: 'positional', description: 'file with a capability, or the capability; `-` reads stdin' },
    to: {
      type: 'enum',
      required: true,
      options: ['aip-chained', 'aip-compact', 'aip-jwt-chain', 'macaroon', 'macaroon-json', 'jwt'],
      description: 'form to say it in',
    },
    key: { type: 'string', valueHint: 'file', description: 'Ed25519 private key of its issuer' },
  },
  async run({ args, terminal }) {
    const text = readCapability(args.token);
    const macaroons = cap.parseMacaroons(text);
    if (macaroons && args.to.startsWith('macaroon')) {
      const json = macaroons.map(cap.macaroonJson);
      const spelled =
        args.to === 'macaroon' ? cap.macaroonsText(macaroons) : json.length === 1 ? json[0]! : `[${json.join(',')}]`;
      terminal.answer({ token: spelled, encoding: 'macaroon', chain: [] }, () => spelled);
      return 0;
    }
    if (macaroons || args.to.startsWith('macaroon') || args.to === 'jwt' || encodingOf(text) === 'jwt')
      throw refused('token.not_expressible: only who vouches for it could say this in that form, and no command does');
    if (args.key === undefined) throw usage('`--key` is missing: the issuer signs what it says again');
    tellToken(convertAip(text, args.to as cap.AipEncoding, readKey(args.key)), terminal);
    return 0;
  },
});

function convertAip(text: string, to: cap.AipEncoding, issuer: cap.Signer): string {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const ask = { tools: [], arguments: null, domain: null, audience: null, presenter: null };
  const world: cap.AipWorld = {
    roots: [{ id: null, keys: [issuer.publicKey] }],
    rowKeyOf: () => null,
    isRevoked: () => false,
    profile: 'standard',
    delegatorsMustSign: false,
  };
  const verified = cap.verifyAip(text, ask, world, capEngine, nowSeconds);
  if (cap.isCapFault(verified))
    throw refused(`${verified.denial.code}: only a capability of this very key can be said again`);
  const means = { issuer, next: freshKey, held: ed25519KeyOf, id: freshId(), nowSeconds, engine: capEngine };
  const made = cap.convertAip(verified, to, means);
  if (typeof made !== 'string') throw refused(`${made.code}: ${String(made.detail.why)}`);
  return made;
}
