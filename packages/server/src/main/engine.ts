// The engine the judges are handed: Ed25519 by libsodium where it is installed and gives the same answers, else by Node itself
// (design D9). libsodium takes half the time, and nothing but time depends on it.

import { type Engine, fromHex, toHex, utf8 } from '@writ/core';
import { type Ed25519Check, engineWith, nodeEngine } from '@writ/core/node';

export interface OpenedEngine {
  readonly engine: Engine;
  readonly ed25519: 'libsodium' | 'node';
}

type Load = () => Promise<unknown>;

/** Never rejects: a library that is missing is no news, one that answers differently is told and not used. */
export async function openEngine(say: (sentence: string) => void, load: Load = loadSodium): Promise<OpenedEngine> {
  const node = { engine: nodeEngine, ed25519: 'node' } as const;
  const check = await load().then(checkOf, () => null);
  if (check === null) return node;
  const engine = engineWith(check);
  const differs = PROBES.find(({ probe, accepted }) => !answersAlike(engine, probe, accepted));
  if (differs === undefined) return { engine, ed25519: 'libsodium' };
  say(`\`sodium-native\` answers differently about ${differs.name}; signatures are checked by Node itself`);
  return node;
}

/** Optional: its prebuilt parts do not exist for every system (none for musl). */
const loadSodium: Load = () => {
  const name: string = 'sodium-native';
  return import(name);
};

function checkOf(module: unknown): Ed25519Check | null {
  const sodium = (module as { default?: Record<string, unknown> }).default;
  const verify = sodium?.crypto_sign_verify_detached;
  if (typeof verify !== 'function') return null;
  return (key, message, signature) => verify(signature, message, key) === true;
}

function answersAlike(engine: Engine, { x, message, signature }: Probe, accepted: boolean): boolean {
  const key = { alg: 'EdDSA', x } as const;
  return [engine, nodeEngine].every((one) => one.verify(key, message, signature) === accepted);
}

interface Probe {
  readonly x: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

// RFC 8032 §7.1, test 2.
const genuine = probe(
  '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da',
  '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
);
const one = `01${'00'.repeat(31)}`;
const zero = '00'.repeat(32);

// With a key of small order a signature of nothing holds for many messages, in whatever spelling the key comes.
const PROBES: readonly { readonly name: string; readonly probe: Probe; readonly accepted: boolean }[] = [
  { name: 'a genuine signature', probe: genuine, accepted: true },
  { name: 'a changed message', probe: { ...genuine, message: utf8('s') }, accepted: false },
  { name: 'a changed signature', probe: { ...genuine, signature: genuine.signature.with(0, 0) }, accepted: false },
  { name: 'a second spelling of S', probe: { ...genuine, signature: respelled(genuine.signature) }, accepted: false },
  { name: 'a key of order 1', probe: probe(one, one, zero), accepted: false },
  { name: 'a key of order 2', probe: probe(`ec${'ff'.repeat(30)}7f`, one, zero), accepted: false },
  { name: 'a key of order 4', probe: probe(zero, one, zero), accepted: false },
  { name: 'a key that is no canonical point', probe: probe(`ee${'ff'.repeat(30)}7f`, one, zero), accepted: false },
];

/** R and S as hex; the message is RFC 8032's, one byte `r`. */
function probe(x: string, r: string, s: string): Probe {
  return { x: fromHex(x)!, message: utf8('r'), signature: fromHex(`${r}${s}`)! };
}

/** The same signature with the order of the base point added to S. */
function respelled(signature: Uint8Array): Uint8Array {
  const order = (1n << 252n) + 27742317777372353535851937790883648493n;
  const bytesOf = (hex: string) => fromHex(hex)!.toReversed();
  const s = BigInt(`0x${toHex(signature.subarray(32).toReversed())}`) + order;
  const whole = signature.slice();
  whole.set(bytesOf(s.toString(16).padStart(64, '0')), 32);
  return whole;
}
