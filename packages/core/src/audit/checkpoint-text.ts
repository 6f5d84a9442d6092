// What a log says it holds, in three lines (C2SP tlog-checkpoint v1.0.0): origin, size, root. Who signed them is note.ts.

import { fromBase64, toBase64 } from '../std/base64.ts';
import { hashBytes } from './merkle.ts';

export interface Checkpoint {
  /** The log's name for life; equals the name of its keys. */
  readonly origin: string;
  /** How many records. */
  readonly size: number;
  /** RFC 6962 root hash, 32 bytes. */
  readonly root: Uint8Array;
}

export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** The checkpoint a note text holds, or null. Extension lines are accepted and mean nothing to Writ. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const lines = text.split('\n');
  const [origin, size, root] = lines;
  if (lines.length < 4 || lines.pop() !== '' || lines.includes('')) return null;
  const hash = fromBase64(root!);
  const count = parseSize(size!);
  return count === null || hash?.length !== hashBytes ? null : { origin: origin!, size: count, root: hash };
}

/** A tree size as C2SP writes it: decimal, one spelling. Null for anything else, and past 2^53. */
export function parseSize(text: string): number | null {
  return /^(0|[1-9][0-9]{0,15})$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : null;
}
