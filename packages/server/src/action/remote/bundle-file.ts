// An OPA bundle as a file: a gzipped tar with `policy.wasm` and `data.json`. Read whole and bounded, before anything of it runs.
// https://www.openpolicyagent.org/docs/management-bundles

import { readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { isJsonObject, type JsonObject, parseStrictJson } from '@writ/core';
import { digestOfBytes } from './digest-of-bytes.ts';

export interface Bundle {
  /** `sha256:<hex>` of the file. */
  readonly digest: string;
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly data: JsonObject;
}

const fileBytesMax = 32 * 1024 * 1024;
const unpackedBytesMax = 64 * 1024 * 1024;
const jsonBounds = { bytesMax: unpackedBytesMax, depthMax: 64 };

/** Throws a sentence for a file that is no such bundle. */
export function readBundle(path: string): Bundle {
  const fault = (says: string, cause?: unknown) => new Error(`the bundle \`${path}\` ${says}`, { cause });
  if (statSync(path).size > fileBytesMax) throw fault(`is larger than ${fileBytesMax} bytes`);
  const bytes = readFileSync(path);
  let members: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  try {
    members = membersOf(new Uint8Array(gunzipSync(bytes, { maxOutputLength: unpackedBytesMax })));
  } catch (error) {
    throw fault('cannot be unpacked; `opa build -t wasm` writes one that can', error);
  }
  const wasm = members.get('policy.wasm');
  if (!wasm) throw fault('has no `policy.wasm`; build it with `opa build -t wasm -e <rule>`');
  const data = parseStrictJson(members.get('data.json') ?? Buffer.from('{}'), jsonBounds);
  if (!data.ok || !isJsonObject(data.value)) throw fault('has a `data.json` that is no JSON object, each name once');
  return { digest: digestOfBytes(bytes), wasm, data: data.value };
}

const blockBytes = 512;
const wanted = ['policy.wasm', 'data.json'];

/** The plain files we look for, of a tar (POSIX.1-1988 ustar), by name without a leading slash. Throws where it breaks off. */
function membersOf(tar: Uint8Array<ArrayBuffer>): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
  const members = new Map<string, Uint8Array<ArrayBuffer>>();
  const field = (at: number, length: number) =>
    Buffer.from(tar.buffer, tar.byteOffset + at, length)
      .toString('latin1')
      .split('\0', 1)[0]!;
  let at = 0;
  // An archive ends with blocks of zeros; one that just stops lacks something.
  while (tar[at] !== 0) {
    if (at + blockBytes > tar.length) throw new Error('the archive breaks off');
    const prefix = field(at + 345, 155);
    const name = `${prefix === '' ? '' : `${prefix}/`}${field(at, 100)}`.replace(/^\.?\/+/, '');
    const size = field(at + 124, 12).trim();
    if (!/^[0-7]+$/.test(size)) throw new Error('a size is no octal number');
    const from = at + blockBytes;
    const to = from + Number.parseInt(size, 8);
    if (to > tar.length) throw new Error('the archive breaks off');
    if (wanted.includes(name) && ['', '0'].includes(field(at + 156, 1))) {
      // Of two with one name, two readers may take different ones.
      if (members.has(name)) throw new Error(`\`${name}\` stands there twice`);
      members.set(name, tar.slice(from, to));
    }
    at = from + Math.ceil((to - from) / blockBytes) * blockBytes;
  }
  return members;
}
