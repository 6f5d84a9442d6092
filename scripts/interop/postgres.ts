// A private PostgreSQL: its own cluster in a temporary folder, a Unix socket in that folder and no TCP, gone when the tests are.

import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenedPeer, Peer } from './peer.ts';

export const postgres: Peer = {
  name: 'PostgreSQL',
  shows: 'store: the schema, claims and one-time use under concurrency; a whole plane over it',
  tier: 1,
  tests: [
    'packages/server/src/store/store.test.ts',
    'packages/server/src/token/one-time.test.ts',
    'packages/server/src/token/registry.test.ts',
    'test/interop/postgres.interop.ts',
  ],
  // The migration of one plane looks at every schema of the database, and stumbles over one that goes away meanwhile.
  alone: true,
  without: /\[sqlite\]$/,
  async open() {
    const bin = newestBin();
    if (bin === null) return { absent: 'no `initdb`; on Debian: `apt-get install postgresql`' };
    return startCluster(bin);
  },
};

function newestBin(): string | null {
  const found = globSync('/usr/lib/postgresql/*/bin').filter((bin) => existsSync(join(bin, 'initdb')));
  const version = (bin: string) => Number(bin.split('/').at(-2));
  return found.sort((a, b) => version(b) - version(a))[0] ?? null;
}

function startCluster(bin: string): OpenedPeer {
  // PostgreSQL refuses to run as root; the folder then belongs to whom it runs as.
  const owner = process.getuid?.() === 0 ? unprivilegedUser() : null;
  const folder = mkdtempSync(join(tmpdir(), 'writ-pg-'));
  const sockets = join(folder, 's');
  const data = join(folder, 'data');
  mkdirSync(sockets, { mode: 0o755 });
  if (owner) for (const path of [folder, sockets]) chownSync(path, owner.uid, owner.gid);
  const run = (program: string, args: readonly string[]) => {
    const { status, stdout, stderr, error } = spawnSync(join(bin, program), args, {
      cwd: folder,
      encoding: 'utf8',
      // Its messages are read above, and a server that inherited our pipes would keep them open.
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
      ...owner,
    });
    if (status !== 0)
      throw new Error(`${program} ended with ${status}: ${error?.message ?? ''}${stdout}${stderr}`.trim());
    return stdout;
  };
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    run('initdb', ['--pgdata', data, '--username', 'writ', '--auth', 'trust', '--encoding', 'UTF8', '--no-sync']);
    // fsync is off: what is tried here is the agreement about SQL, and a crash of the machine takes the folder along anyway.
    const settings = `-c listen_addresses= -c unix_socket_directories=${sockets} -c fsync=off -c max_connections=200`;
    run('pg_ctl', [
      'start',
      '--wait',
      '--timeout',
      '60',
      '--pgdata',
      data,
      '--log',
      join(folder, 'log'),
      '-o',
      settings,
    ]);
  } catch (error) {
    remove();
    throw error;
  }
  const url = `postgres://writ@localhost/postgres?host=${encodeURIComponent(sockets)}`;
  return {
    version: /\d[\d.]*/.exec(run('postgres', ['--version']))?.[0] ?? '',
    env: { WRIT_TEST_POSTGRES: url },
    close() {
      try {
        run('pg_ctl', ['stop', '--wait', '--mode', 'immediate', '--pgdata', data]);
      } finally {
        remove();
      }
    },
  };
}

/** `postgres` where Debian's package made it, else `nobody`. */
function unprivilegedUser(): { uid: number; gid: number } {
  const users = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name, , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }] as const),
  );
  const user = users.get('postgres') ?? users.get('nobody');
  if (!user) throw new Error('started as root, and there is neither `postgres` nor `nobody` to run a database as');
  return user;
}
