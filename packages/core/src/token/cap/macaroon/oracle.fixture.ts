// The `macaroon` package (go-macaroon's JavaScript) as a second opinion in tests. Of 3.0.4 two faults are known and kept
// clear of: its binary writer doubles its buffer with every byte, and its reader takes one macaroon at a time.

import { createRequire } from 'node:module';

interface OracleMacaroon {
  readonly signature: Uint8Array;
  addFirstPartyCaveat(condition: string): void;
  addThirdPartyCaveat(rootKey: Uint8Array, id: Uint8Array | string, location: string): void;
  bindToRoot(signature: Uint8Array): void;
  clone(): OracleMacaroon;
  verify(
    rootKey: Uint8Array,
    check: (condition: string) => string | null,
    discharges?: readonly OracleMacaroon[],
  ): void;
  exportBinary(): Uint8Array;
  exportJSON(): object;
}

interface Oracle {
  newMacaroon(parts: { identifier: Uint8Array | string; location: string; rootKey: Uint8Array }): OracleMacaroon;
  importMacaroon(from: Uint8Array | object): OracleMacaroon;
}

export const oracle = createRequire(import.meta.url)('macaroon') as Oracle;

/** Does the package accept these macaroons (each its bytes), and with which conditions? Null: no. */
export function oracleConditions(macaroons: readonly Uint8Array[], rootKey: Uint8Array): readonly string[] | null {
  const seen: string[] = [];
  const check = (condition: string) => {
    seen.push(condition);
    return null;
  };
  try {
    const [root, ...discharges] = macaroons.map((bytes) => oracle.importMacaroon(bytes));
    root!.verify(rootKey, check, discharges);
    return seen;
  } catch {
    return null;
  }
}
