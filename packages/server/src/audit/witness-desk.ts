// One witness, asked to cosign one checkpoint (C2SP tlog-witness `add-checkpoint`). Whatever it answers becomes a value: its
// signature lines, or what is wrong, in a sentence that names it.

import {
  checkSignatureLines,
  type Engine,
  formatAddCheckpoint,
  formatCheckpoint,
  type PolicyWitness,
  parseToldSize,
  type SignatureLine,
} from '@writ/core';
import type { Published } from './publisher.ts';

/**
 * `down`: no answer, or none in time. `refused`: it does not know this log or its key. `behind`: it has cosigned more than
 * this checkpoint. `forked`: to it, this is not the log it knows. `false`: what it sent is no genuine signature.
 */
export type WitnessTrouble = 'down' | 'refused' | 'behind' | 'forked' | 'false';

export type WitnessAnswer =
  | { readonly ok: true; readonly lines: readonly SignatureLine[] }
  | { readonly ok: false; readonly trouble: WitnessTrouble; readonly says: string; readonly knownSize?: number };

export interface WitnessPorts {
  readonly engine: Engine;
  readonly origin: string;
  /** Consistency proof between two sizes under the checkpoint asked about. */
  prove(from: number, to: number): Promise<readonly Uint8Array[]>;
  readonly fetch: typeof fetch;
  readonly timeoutMillis: number;
}

export interface WitnessAsk {
  readonly witness: PolicyWitness;
  readonly published: Published;
  /** The size it cosigned last, as far as is known; 0 before anything is. */
  readonly knownSize: number;
  readonly signal: AbortSignal;
}

/** It names its own size when ours is out of date; more often than this it is not serious. */
const asksMax = 3;
const answerBytesMax = 65_536;

export async function askWitness(ports: WitnessPorts, ask: WitnessAsk): Promise<WitnessAnswer> {
  const { witness, published } = ask;
  let oldSize = Math.min(ask.knownSize, published.size);
  for (let asked = 0; asked < asksMax; asked += 1) {
    const proof = oldSize === 0 ? [] : await ports.prove(oldSize, published.size);
    const body = formatAddCheckpoint({ oldSize, proof, checkpoint: published.note });
    let answer: { status: number; bytes: Uint8Array };
    try {
      answer = await post(ports, ask, body);
    } catch (error) {
      return trouble(witness, 'down', `does not answer: ${reasonOf(error)}`);
    }
    if (answer.status === 200) return signaturesIn(ports, ask, answer.bytes);
    const told = answer.status === 409 ? parseToldSize(answer.bytes) : null;
    if (told === null) return troubleOf(witness, answer.status, published.size);
    if (told > published.size) {
      const says = `has cosigned ${told} records of this log, the checkpoint has ${published.size}`;
      return { ...trouble(witness, 'behind', says), knownSize: told };
    }
    if (told === oldSize) return troubleOf(witness, 422, published.size);
    oldSize = told;
  }
  return trouble(witness, 'false', 'names another size each time it is asked');
}

async function post(
  { fetch: fetcher, timeoutMillis }: WitnessPorts,
  { witness, signal }: WitnessAsk,
  body: Uint8Array,
): Promise<{ status: number; bytes: Uint8Array }> {
  const url = `${witness.url!.replace(/\/$/, '')}/add-checkpoint`;
  const response = await fetcher(url, {
    method: 'POST',
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: body as Uint8Array<ArrayBuffer>,
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMillis)]),
  });
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > answerBytesMax) throw new Error(`it sends more than ${answerBytesMax} bytes`);
    parts.push(part);
  }
  return { status: response.status, bytes: Buffer.concat(parts, bytes) };
}

function signaturesIn(
  { engine, origin }: WitnessPorts,
  { witness, published }: WitnessAsk,
  sent: Uint8Array,
): WitnessAnswer {
  const text = formatCheckpoint({ origin, size: published.size, root: published.root });
  const checked = checkSignatureLines(engine, text, sent, [witness.key]);
  if (!checked.ok) return trouble(witness, 'false', `says yes, but ${checked.says}`);
  // Zero would say that it makes no statement about this being the newest tree it has seen.
  if (checked.value[0]!.signature.timeSeconds === 0)
    return trouble(witness, 'false', 'does not say when it saw the checkpoint');
  return { ok: true, lines: checked.value };
}

function troubleOf(witness: PolicyWitness, status: number, size: number): WitnessAnswer {
  switch (status) {
    case 404:
      return trouble(witness, 'refused', 'does not know this log; give its operator the vkey and the origin');
    case 403:
      return trouble(witness, 'refused', 'does not accept the key of this log; give its operator the vkey');
    case 409:
    case 422:
      return trouble(
        witness,
        'forked',
        `says that the ${size} records of this log do not continue those it has cosigned`,
      );
    default:
      return trouble(witness, status >= 500 ? 'down' : 'refused', `answers ${status}`);
  }
}

function trouble({ name, url }: PolicyWitness, kind: WitnessTrouble, says: string) {
  return { ok: false, trouble: kind, says: `the witness \`${name}\` at \`${url}\` ${says}` } as const;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'not in time';
  const cause = error.cause instanceof Error ? error.cause : error;
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}
