// Cosignatures (C2SP tlog-cosignature v1.1): what is signed besides a checkpoint's text, so that it says when it was seen
// and cannot be taken for a log's own signature. Two forms: Ed25519 over the whole text, ML-DSA-44 over its three facts.

import { concat, utf8 } from '../std/bytes.ts';
import { parseCheckpoint } from './checkpoint-text.ts';
import type { KeyRole } from './note.ts';

export interface Cosigner {
  readonly name: string;
  /** `witness`: Ed25519, 0x04. `cosigner`: ML-DSA-44, 0x06. */
  readonly role: Exclude<KeyRole, 'log'>;
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export interface Cosigned {
  readonly name: string;
  readonly role: Cosigner['role'];
  /** POSIX seconds, below 2^63. */
  readonly timeSeconds: bigint;
  /** The checkpoint without its signatures. */
  readonly text: string;
}

/** The bytes that were signed; null when the ML-DSA form cannot express the text. */
export function cosignedMessage({ name, role, timeSeconds, text }: Cosigned): Uint8Array | null {
  if (role === 'witness') return utf8(`cosignature/v1\ntime ${timeSeconds}\n${text}`);
  const checkpoint = parseCheckpoint(text);
  const cosigner = opaque(name);
  const origin = checkpoint && opaque(checkpoint.origin);
  if (!checkpoint || !cosigner || !origin) return null;
  // `cosigned_message` in the presentation language of RFC 8446 §3: a whole tree is the subtree that starts at 0.
  return concat(
    utf8('subtree/v1\n\0'),
    cosigner,
    uint64(timeSeconds),
    origin,
    uint64(0n),
    uint64(BigInt(checkpoint.size)),
    checkpoint.root,
  );
}

/** opaque<1..255>: a length in one byte before the bytes. */
function opaque(text: string): Uint8Array | null {
  const bytes = utf8(text);
  return bytes.length >= 1 && bytes.length <= 255 ? concat(Uint8Array.of(bytes.length), bytes) : null;
}

/** Big-endian. */
export function uint64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}
