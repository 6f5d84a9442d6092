// SVIDs as PEM files, for programs that take certificates from files: good ones of the plane's own authority, and bad ones.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, openAuthority } from '../../packages/server/src/transport/ca.ts';
import { tlsIdentity, toPem } from '../../packages/server/src/transport/tls-pem.ts';
import type { TestPlane } from '../plane.fixture.ts';

export interface SvidFiles {
  readonly cert: string;
  readonly key: string;
}

export interface SvidFolder {
  readonly dir: string;
  /** The plane's roots. */
  readonly bundle: string;
  good(path: string): Promise<SvidFiles>;
  /** Of the plane's own authority, and over for a minute. */
  expired(path: string): Promise<SvidFiles>;
  /** Of another trust domain, signed by that one's authority. */
  foreign(path: string): Promise<SvidFiles>;
  /** Names the plane's trust domain and is signed by somebody else. */
  forged(path: string): Promise<SvidFiles>;
  remove(): void;
}

const systemClock = { nowSeconds: () => Math.floor(Date.now() / 1000) };

export function svidFolder(world: TestPlane): SvidFolder {
  const dir = mkdtempSync(join(tmpdir(), 'writ-svid-'));
  let files = 0;
  const write = async (authority: Authority, path: string, ttlSeconds?: number): Promise<SvidFiles> => {
    const spiffeId = `spiffe://${authority.trustDomain}/${path}`;
    const { certPem, keyPem } = tlsIdentity(await authority.mint({ spiffeId, ...(ttlSeconds ? { ttlSeconds } : {}) }));
    const name = join(dir, `${++files}`);
    writeFileSync(`${name}.crt`, certPem);
    writeFileSync(`${name}.key`, keyPem, { mode: 0o600 });
    return { cert: `${name}.crt`, key: `${name}.key` };
  };
  const other = async (trustDomain: string) => {
    const at = join(dir, `ca-${++files}`);
    mkdirSync(at, { mode: 0o700 });
    return openAuthority({ dir: at, trustDomain, clock: systemClock });
  };
  const bundle = join(dir, 'bundle.pem');
  writeFileSync(
    bundle,
    world.authority
      .bundle()
      .map((der) => toPem('CERTIFICATE', der))
      .join(''),
  );
  return {
    dir,
    bundle,
    good: (path) => write(world.authority, path),
    async expired(path) {
      const clock = { nowSeconds: () => systemClock.nowSeconds() - 120 };
      const dir = join(world.dataDir, 'data', 'ca');
      return write(await openAuthority({ dir, trustDomain: world.authority.trustDomain, clock }), path, 60);
    },
    foreign: async (path) => write(await other('elsewhere.example'), path),
    forged: async (path) => write(await other(world.authority.trustDomain), path),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
