// The plane's own store of secrets: one file each in `<data>/credentials`, sealed with AES-256-GCM under a key of its own, and
// that key wrapped by whoever keeps keys (a file, a KMS). Name and dates are authenticated with it, so that one file cannot stand
// in for another. Read anew for every use; rules §7.4.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';

/** Wraps the key of one secret. A KMS does it remotely; it never sees a secret. */
export interface KeyWrap {
  /** Which key it is, so that a file says what opens it. */
  readonly id: string;
  wrap(key: Uint8Array): Promise<Uint8Array>;
  /** Rejects when the bytes were not made by this key. */
  unwrap(wrapped: Uint8Array): Promise<Uint8Array>;
}

/** Names and dates, never a value. Seconds since 1970. */
export interface StoredNote {
  readonly name: string;
  readonly createdSeconds: number;
  /** When this value was put there. */
  readonly sinceSeconds: number;
}

export interface SealedStore {
  /** Null: there is none of that name. Rejects with a sentence for the operator when its file cannot be opened. */
  read(name: string): Promise<string | null>;
  /** Puts a value there, whole or not at all. */
  write(name: string, value: string): Promise<StoredNote>;
  /** False: there was none. */
  remove(name: string): Promise<boolean>;
  /** By name. */
  list(): Promise<readonly StoredNote[]>;
}

const fileBytesMax = 256 * 1024;
const ending = '.sealed';

const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));
const Sealed = z.strictObject({
  v: z.literal(1),
  name: z.string(),
  created: z.int(),
  since: z.int(),
  key: z.string(),
  wrapped: base64,
  nonce: base64,
  value: base64,
});

export function openSealedStore(options: {
  readonly dir: string;
  readonly keys: KeyWrap;
  readonly clock: { nowSeconds(): number };
}): SealedStore {
  const { dir, keys, clock } = options;
  // A name with slashes is one file: base64url has no character that a folder would read otherwise.
  const pathOf = (name: string) => join(dir, `${Buffer.from(name).toString('base64url')}${ending}`);
  const mend = 'set it anew with `writ credentials set`';

  const load = async (path: string): Promise<z.output<typeof Sealed> | null> => {
    const text = await readOwn(path);
    if (text === null) return null;
    const parsed = Sealed.safeParse(jsonOf(text));
    if (!parsed.success) throw new Error(`\`${path}\` is no sealed secret; ${mend}`);
    return parsed.data;
  };

  return {
    async read(name) {
      const path = pathOf(name);
      const held = await load(path);
      if (held === null) return null;
      if (held.name !== name) throw new Error(`\`${path}\` was sealed under another name; ${mend}`);
      if (held.key !== keys.id) throw new Error(`\`${path}\` was sealed under another key; ${mend}`);
      try {
        return await unsealed(held, keys);
      } catch (cause) {
        throw new Error(`\`${path}\` cannot be opened: it was changed, or sealed under another key; ${mend}`, {
          cause,
        });
      }
    },

    async write(name, value) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const before = await load(pathOf(name)).catch(() => null);
      const since = clock.nowSeconds();
      const created = before?.created ?? since;
      const head = { v: 1, name, created, since, key: keys.id } as const;
      const key = randomBytes(32);
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aadOf(head));
      const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      const wrapped = Buffer.from(await keys.wrap(key)).toString('base64');
      key.fill(0);
      const file = { ...head, wrapped, nonce: nonce.toString('base64'), value: sealed.toString('base64') };
      await writeWhole(pathOf(name), `${JSON.stringify(file)}\n`);
      return { name, createdSeconds: created, sinceSeconds: since };
    },

    async remove(name) {
      return unlink(pathOf(name)).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return false;
          throw error;
        },
      );
    },

    async list() {
      const files = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      const sealed = files.filter((file) => file.endsWith(ending)).map((file) => load(join(dir, file)));
      return (await Promise.all(sealed))
        .flatMap((held) => (held ? [{ name: held.name, createdSeconds: held.created, sinceSeconds: held.since }] : []))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}

/** A key of 32 bytes that the caller holds, from a private file. AES-256-GCM; the nonce stands before what it wraps. */
export function keyWrapOf(id: string, key: Uint8Array): KeyWrap {
  if (key.length !== 32)
    throw new Error('the key of the credential store is not 32 bytes long; put it back from a copy');
  const aad = Buffer.from(`writ credential key ${id}`);
  return {
    id,
    async wrap(bytes) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad);
      return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    },
    unwrap: async (wrapped) =>
      opened(key, Buffer.from(wrapped.subarray(0, 12)), Buffer.from(wrapped.subarray(12)), aad),
  };
}

type Head = Pick<z.output<typeof Sealed>, 'v' | 'name' | 'created' | 'since' | 'key'>;

function aadOf({ v, name, created, since, key }: Head): Buffer {
  return Buffer.from(JSON.stringify(['writ credential', v, name, created, since, key]));
}

async function unsealed(held: z.output<typeof Sealed>, keys: KeyWrap): Promise<string> {
  const key = await keys.unwrap(held.wrapped);
  return opened(key, held.nonce, held.value, aadOf(held)).toString('utf8');
}

/** Throws when a byte of text, nonce or authenticated data is another. */
function opened(key: Uint8Array, nonce: Buffer, sealed: Buffer, aad: Buffer): Buffer {
  const tagBytes = 16;
  if (sealed.length < tagBytes || nonce.length !== 12) throw new Error('cut short');
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]);
}

async function readOwn(path: string): Promise<string | null> {
  try {
    // A link in its place would have us read what somebody else chose.
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    if ((await file.stat()).size > fileBytesMax) throw new Error(`\`${path}\` is larger than any secret`);
    return await file.readFile('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const folder = await open(dirname(path), 'r');
  await folder.sync();
  await folder.close();
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
