// Ports: the system chooses where the configuration says 0, and what it chose is kept, so that audiences survive a restart.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type ListenerName = 'mtls' | 'oauth' | 'admin' | 'issuer';
export type KeptPorts = { readonly [name in ListenerName]?: number };

export function readPorts(dataDir: string): KeptPorts {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'ports.json'), 'utf8')) as KeptPorts;
  } catch {
    return {}; // a first start, or a file nobody can read: ports are chosen anew and written again
  }
}

export function keepPorts(dataDir: string, ports: KeptPorts): void {
  writeFileSync(join(dataDir, 'ports.json'), `${JSON.stringify(ports)}\n`, { mode: 0o600 });
}

/** Listens where it listened before when the port was left to the system; a port taken meanwhile is chosen anew. */
export async function listenKept<Bound extends { readonly port: number }>(
  wanted: { readonly host: string; readonly port: number },
  kept: number | undefined,
  listen: (at: { host: string; port: number }) => Promise<Bound>,
): Promise<Bound> {
  if (wanted.port !== 0 || kept === undefined) return listen({ ...wanted });
  try {
    return await listen({ host: wanted.host, port: kept });
  } catch (error) {
    if (!isTaken(error)) throw error;
    return listen({ host: wanted.host, port: 0 });
  }
}

/** Listeners tell it in a sentence and keep the system's own error as its cause. */
function isTaken(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE' || isTaken(error.cause);
}
