// What is sent to a witness (C2SP tlog-witness v1.0.0 `add-checkpoint`): the size it has seen, the proof from there, and the
// checkpoint it is asked to cosign.

import { fromBase64, toBase64 } from '../std/base64.ts';
import { utf8, utf8Text } from '../std/bytes.ts';
import { parseSize } from './checkpoint-text.ts';
import { hashBytes } from './merkle.ts';
import { noteBytesMax } from './note.ts';

export interface AddCheckpoint {
  readonly oldSize: number;
  /** Consistency proof from `oldSize` to the checkpoint's size (RFC 6962 §2.1.2); empty from 0. */
  readonly proof: readonly Uint8Array[];
  /** The signed note. */
  readonly checkpoint: Uint8Array;
}

const proofLinesMax = 63;
/** The largest note, and a full proof before it. */
export const addCheckpointBytesMax = noteBytesMax + 4096;

export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): Uint8Array {
  return utf8(`${[`old ${oldSize}`, ...proof.map(toBase64)].join('\n')}\n\n${utf8Text(checkpoint)}`);
}

/** The parts of a request body, unchecked; null when it is malformed. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint | null {
  const text = body.length <= addCheckpointBytesMax ? utf8Text(body) : null;
  const blank = text?.indexOf('\n\n') ?? -1;
  if (text === null || blank < 0) return null;
  const [first = '', ...lines] = text.slice(0, blank).split('\n');
  const oldSize = first.startsWith('old ') ? parseSize(first.slice('old '.length)) : null;
  const proof = lines.map(fromBase64);
  if (oldSize === null || proof.length > proofLinesMax || !proof.every((hash) => hash?.length === hashBytes))
    return null;
  return { oldSize, proof: proof as Uint8Array[], checkpoint: utf8(text.slice(blank + 2)) };
}

/** The size a witness names when it answers 409: a decimal and a newline. Null for anything else. */
export function parseToldSize(body: Uint8Array): number | null {
  const text = utf8Text(body);
  return text?.endsWith('\n') ? parseSize(text.slice(0, -1)) : null;
}
