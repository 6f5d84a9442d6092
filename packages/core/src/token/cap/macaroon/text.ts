// Macaroons as they travel: base64url of version 2 binary (several in a row), version 2 JSON (one, or a list), and version 1 binary,
// which is read and never written. The first is the root; the others are discharges.

import { fromBase64Url, toBase64Url } from '../../../std/base64.ts';
import { concat, utf8, utf8Text } from '../../../std/bytes.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../std/json.ts';
import { parseStrictJson } from '../../../std/strict-json.ts';
import { tokenBytesMax } from '../../jws.ts';
import { readBinaryV1 } from './binary-v1.ts';
import { type Caveat, caveatsMax, fieldBytesMax, type Macaroon, readBinaryV2, writeBinaryV2 } from './form.ts';

export type Macaroons = readonly [Macaroon, ...Macaroon[]];

const macaroonsMax = 16;
const bounds = { depthMax: 5, bytesMax: tokenBytesMax };

/** Null for anything that is not wholly macaroons, read strictly: their signatures are what they are known by, never this text. */
export function parseMacaroons(text: string): Macaroons | null {
  if (text.length > tokenBytesMax) return null;
  if (text.startsWith('{') || text.startsWith('[')) return fromJson(text);
  const bytes = fromBase64Url(text) ?? paddedUrl(text);
  if (!bytes) return null;
  const read = bytes[0] === 2 ? readBinaryV2 : readBinaryV1;
  const macaroons: Macaroon[] = [];
  for (let at = 0; at < bytes.length; ) {
    const one = read(bytes, at);
    if (!one || macaroons.length === macaroonsMax) return null;
    macaroons.push(one.macaroon);
    at = one.end;
  }
  return nonEmpty(macaroons);
}

export function macaroonsText(macaroons: Macaroons): string {
  return toBase64Url(concat(...macaroons.map(writeBinaryV2)));
}

/** libmacaroons pads its URL-safe text. */
function paddedUrl(text: string): Uint8Array | null {
  return text.length % 4 === 0 ? fromBase64Url(text.replace(/={1,2}$/, '')) : null;
}

function nonEmpty(macaroons: readonly Macaroon[]): Macaroons | null {
  const [first, ...rest] = macaroons;
  return first ? [first, ...rest] : null;
}

function fromJson(text: string): Macaroons | null {
  const parsed = parseStrictJson(utf8(text), bounds);
  if (!parsed.ok) return null;
  const list = Array.isArray(parsed.value) ? (parsed.value as readonly JsonValue[]) : [parsed.value];
  if (list.length > macaroonsMax) return null;
  const macaroons = list.map(macaroonOf);
  // Spaces could be put anywhere: the text has to be the one we would write, or the one in the order of others.
  if (!macaroons.every((one) => one !== null) || /\s/.test(text.replaceAll(/"(?:[^"\\]|\\.)*"/g, ''))) return null;
  return nonEmpty(macaroons);
}

function macaroonOf(value: JsonValue): Macaroon | null {
  if (!isJsonObject(value)) return null;
  const { v, l, i, i64, c, s, s64, ...unknown } = value;
  const identifier = bytesOf(i, i64);
  const signature = bytesOf(s, s64);
  if (v !== 2 || Object.keys(unknown).length > 0 || !identifier || signature?.length !== 32) return null;
  const list = c === undefined ? [] : c;
  if (!Array.isArray(list) || list.length > caveatsMax) return null;
  const caveats = (list as readonly JsonValue[]).map(caveatOf);
  const location = l === undefined ? null : bytesOf(l, undefined);
  if (location === undefined || !caveats.every((one) => one !== null)) return null;
  return { location, identifier, caveats, signature };
}

function caveatOf(value: JsonValue): Caveat | null {
  if (!isJsonObject(value)) return null;
  const { i, i64, v, v64, l, ...unknown } = value;
  const identifier = bytesOf(i, i64);
  const keyed = v !== undefined || v64 !== undefined;
  const verificationId = keyed ? bytesOf(v, v64) : null;
  const location = l === undefined ? null : bytesOf(l, undefined);
  if (Object.keys(unknown).length > 0 || !identifier || verificationId === undefined || location === undefined)
    return null;
  return location !== null && !keyed ? null : { identifier, verificationId, location };
}

/** Text or base64, of which others write either for the same bytes; undefined for both or neither. */
function bytesOf(plain: JsonValue | undefined, coded: JsonValue | undefined): Uint8Array | undefined {
  if ((plain === undefined) === (coded === undefined)) return undefined;
  if (typeof plain === 'string') return plain.isWellFormed() && plain.length <= fieldBytesMax ? utf8(plain) : undefined;
  return typeof coded === 'string' ? (fromBase64Url(coded) ?? undefined) : undefined;
}

/** Version 2 JSON of one macaroon. */
export function macaroonJson({ location, identifier, caveats, signature }: Macaroon): string {
  const field = (name: string, bytes: Uint8Array | null): JsonObject => {
    if (bytes === null) return {};
    const text = utf8Text(bytes);
    return text === null ? { [`${name}64`]: toBase64Url(bytes) } : { [name]: text };
  };
  return JSON.stringify({
    v: 2,
    ...(location === null ? {} : { l: utf8Text(location) ?? '' }),
    ...field('i', identifier),
    ...(caveats.length === 0
      ? {}
      : {
          c: caveats.map((caveat) => ({
            ...field('i', caveat.identifier),
            ...(caveat.verificationId === null ? {} : { v64: toBase64Url(caveat.verificationId) }),
            ...(caveat.location === null ? {} : { l: utf8Text(caveat.location) ?? '' }),
          })),
        }),
    s64: toBase64Url(signature),
  });
}
