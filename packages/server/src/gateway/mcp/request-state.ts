// What a caller carries between two rounds of one request (MCP 2026-07-28, multi-round-trip requests). It comes back through somebody
// who may be an attacker, so it is sealed: AES-256-GCM under a key for nothing else, over everything that makes the request what it
// is (rules §4.4). Whether it belongs to this caller and this call is compared in rounds.ts.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue, parseStrictJsonText } from '@writ/core';

/** What the server asked for, and its own state, which only the server can read. */
export interface AskedByServer {
  readonly state: string | null;
  /** Keys of its questions: answers to anything else are not passed on. */
  readonly keys: readonly string[];
  /** Answers of an earlier round that a person is being asked about. */
  readonly answers: JsonObject | null;
}

export interface RequestState {
  /** Root and actors in their order. */
  readonly caller: string;
  readonly task: string;
  /** Digest of method, target, audience and arguments. */
  readonly request: string;
  /** Digest of the definition; null where there is none to a call. */
  readonly definition: string | null;
  readonly expires: number;
  /** Single use, where the server asked. A question to a person is used up by its own claim. */
  readonly nonce: string;
  /** The question to a person that this resumes. */
  readonly approval: string | null;
  readonly server: AskedByServer | null;
}

export interface StateSeal {
  seal(state: RequestState): string;
  /** Null for everything that was not sealed here. */
  open(text: string): RequestState | null;
}

const purpose = Buffer.from('writ request state 1');
const nonceBytes = 12;
const tagBytes = 16;
/** More than a server's state needs, less than what would make a caller carry our memory for us. */
export const stateCharsMax = 256 * 1024;

/** `key`: 32 bytes, base64url. Throws a sentence for the operator. */
export function createStateSeal(key: string): StateSeal {
  const secret = Buffer.from(key.trim(), 'base64url');
  if (secret.length !== 32) throw new Error('the key of sealed states is not 32 bytes long; put it back from a copy');
  return {
    seal(state) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', secret, nonce, { authTagLength: tagBytes }).setAAD(purpose);
      const text = canonicalJson(state as unknown as JsonValue);
      const parts = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return Buffer.concat(parts).toString('base64url');
    },
    open(text) {
      const bytes = sealedBytes(text);
      if (bytes === null) return null;
      const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(purpose).setAuthTag(bytes.subarray(-tagBytes));
      try {
        const plain = [decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()];
        return stateOf(Buffer.concat(plain).toString('utf8'));
      } catch {
        return null; // not sealed under this key, or not whole
      }
    },
  };
}

/** One spelling only: what decodes to the same bytes in another spelling is not what was handed out. */
function sealedBytes(text: string): Buffer | null {
  if (text.length > stateCharsMax) return null;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length > nonceBytes + tagBytes && bytes.toString('base64url') === text ? bytes : null;
}

function stateOf(text: string): RequestState | null {
  const read = parseStrictJsonText(text, 128);
  return read.ok && isJsonObject(read.value) ? (read.value as unknown as RequestState) : null;
}
