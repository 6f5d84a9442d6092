// The machine under a plane: Node, kernel, clock, data folder, ports.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Address, Config } from '../config/config.ts';
import type { Finding } from './doctor.ts';
import { folderFault, folderWarnings, socketFault, systemFault } from './ground.ts';

const ok = (check: string, says: string): Finding => ({ check, state: 'ok', says, fix: null });

export function machineFindings(): readonly Finding[] {
  const { platform, arch, versions } = process;
  const fault = systemFault(platform, arch, versions.node);
  return [
    fault === null
      ? ok('system', `Node ${versions.node} on ${platform} ${arch}`)
      : { check: 'system', state: 'fail', says: fault, fix: null },
    kernelFinding(release()),
    clockFinding(Date.now(), existsSync('/run/systemd/timesync/synchronized') || existsSync('/run/chrony')),
  ];
}

/** SO_PEERPIDFD is there from 6.5 on. Design D1. */
export function kernelFinding(text: string): Finding {
  const [major = 0, minor = 0] = text.split('.').map(Number);
  if (major > 6 || (major === 6 && minor >= 5))
    return ok('kernel', `${text} names the peer of a socket without a race`);
  return {
    check: 'kernel',
    state: 'warn',
    says: `${text} is older than 6.5: the peer of a socket is found by pid and checked again by its start time`,
    fix: 'a newer kernel closes the remaining gap',
  };
}

/** Nothing here knows the true time; a clock before this program was written is certainly wrong. */
export function clockFinding(nowMillis: number, synchronised: boolean): Finding {
  if (nowMillis < Date.parse('2026-01-01T00:00:00Z')) {
    return {
      check: 'clock',
      state: 'fail',
      says: `it is ${new Date(nowMillis).toISOString()} by this machine's clock`,
      fix: 'set the clock, and let it follow a time server',
    };
  }
  if (synchronised) return ok('clock', 'a time service runs here');
  return {
    check: 'clock',
    state: 'warn',
    says: 'no time service was found (chrony, systemd-timesyncd)',
    fix: 'let the clock follow a time server: certificates and tokens live by it',
  };
}

export function folderFindings(dataDir: string, config: Config): readonly Finding[] {
  const socket = socketFault(dataDir);
  const found: Finding[] = socket === null ? [] : [{ check: 'data folder', state: 'fail', says: socket, fix: null }];
  if (!existsSync(dataDir)) {
    return [
      ...found,
      ok('data folder', `\`${dataDir}\` does not exist yet; \`writ up\` makes it for this user alone`),
      ...configFileFindings(config),
    ];
  }
  const fault = folderFault(dataDir);
  if (fault !== null) found.push({ check: 'data folder', state: 'fail', says: fault.message, fix: null });
  for (const says of folderWarnings(dataDir, process.getuid?.() ?? 0))
    found.push({ check: 'data folder', state: 'fail', says, fix: null });
  for (const path of looseFiles(dataDir)) {
    found.push({
      check: 'data folder',
      state: 'fail',
      says: `\`${path}\` can be read by others`,
      fix: `chmod 600 '${path}'`,
    });
  }
  if (found.length === 0)
    found.push(ok('data folder', `\`${dataDir}\` belongs to this user, and nobody else reads its keys`));
  return [...found, ...configFileFindings(config)];
}

/** Keys, tokens and databases, two levels deep: what others could read or change. The audit log is public by design. */
function looseFiles(dataDir: string): string[] {
  return readdirSync(dataDir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(?:key|pem|token|db|sqlite|secret)(?:-wal|-shm)?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(dataDir, 'audit')) && (statSync(path).mode & 0o077) !== 0);
}

/** Rules §7.2: writable by no uid of an agent. */
function configFileFindings({ file, users, servers }: Config): readonly Finding[] {
  const found: Finding[] = [];
  if ((statSync(file).mode & 0o022) !== 0) {
    found.push({
      check: 'configuration',
      state: 'fail',
      says: `\`${file}\` can be changed by others`,
      fix: `chmod go-w '${file}'`,
    });
  }
  const secretFiles = [
    ...[...users.values()].map(({ passwordFile }) => passwordFile),
    ...[...servers.values()].map(({ credential }) => (credential?.kind === 'file' ? credential.path : null)),
  ].filter((path) => path !== null);
  for (const path of secretFiles) {
    if (existsSync(path) && (statSync(path).mode & 0o077) !== 0) {
      found.push({
        check: 'secrets',
        state: 'warn',
        says: `\`${path}\` can be read by others`,
        fix: `chmod 600 '${path}'`,
      });
    }
  }
  return found;
}

/** A port that this plane's own process holds is in order. */
export async function portFindings({ listen }: Config, planePid: number | null): Promise<readonly Finding[]> {
  if (planePid !== null && isAlive(planePid))
    return [ok('ports', `the plane here runs as pid ${planePid} and holds them`)];
  const found: Finding[] = [];
  for (const [name, address] of Object.entries(listen)) {
    const code = address === null || address.port === 0 ? null : await tryListen(address);
    if (code === null) continue;
    const at = `${address!.host}:${address!.port}`;
    const taken = code === 'EADDRINUSE';
    const says = taken
      ? `\`${at}\` (${name}) is taken by another process`
      : `\`${at}\` (${name}) cannot be listened on: ${code}`;
    const fix = taken
      ? 'stop that process, or write another port; 0 lets the system choose'
      : 'write an address of this machine, and a port above 1023';
    found.push({ check: 'ports', state: 'fail', says, fix });
  }
  return found.length === 0 ? [ok('ports', 'all of them are free')] : found;
}

/** Null when it could be had. */
function tryListen({ host, port }: Address): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(null)));
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
