// What `writ run` and the plane say to each other on the launch socket: one line of JSON each way, nothing else.
// Both sides read from here, so that the shape has one definition. Rules §1.1.

import { isJsonObject, parseStrictJson, utf8 } from '@writ/core';

/** The runner carries the calls of its agent (rules §1.2, `sidecar`), and so holds its identity. */
export interface LaunchSidecar {
  /** `https://127.0.0.1:<port>` where it takes calls for the agent, over mutual TLS as that agent; null: nowhere yet. */
  readonly inbound: string | null;
}

/** What lets somebody launch: a person's session, or a launch token. Never both. */
export type LaunchCredential = { readonly session: string } | { readonly launchToken: string };

export interface LaunchRequest {
  readonly agent: string;
  /** User id of the shim. */
  readonly uid: number;
  readonly command: readonly string[];
  /** The child of the caller that waits to become the command. */
  readonly shimPid: number;
  /** The caller is the subreaper of this one tree. */
  readonly adopts: boolean;
  /** Absent or null: the runner itself is nobody. */
  readonly sidecar?: LaunchSidecar | null;
  readonly credential: LaunchCredential;
}

export type LaunchReply =
  /** `env`: names that may reach the command; null leaves the environment as it is. `a2a`: where the agent takes messages. */
  | { readonly ok: true; readonly env: readonly string[] | null; readonly a2a?: string | null }
  | { readonly ok: false; readonly says: string };

export const launchLineBytesMax = 256 * 1024;

export function encodeLaunchRequest({ credential, ...rest }: LaunchRequest): string {
  return `${JSON.stringify({ ...rest, ...credential })}\n`;
}

/** The request in a line, or null when it is not exactly one. */
export function decodeLaunchRequest(line: string): LaunchRequest | null {
  const value = readObject(line);
  if (value === null) return null;
  const { agent, uid, command, shimPid, adopts, sidecar = null, session, launchToken, ...unknown } = value;
  if (Object.keys(unknown).length > 0) return null;
  if (typeof agent !== 'string' || !isCount(uid) || !isCount(shimPid) || typeof adopts !== 'boolean') return null;
  if (!isTexts(command) || command.length === 0) return null;
  const credential = credentialOf(session, launchToken);
  const carries = sidecarOf(sidecar);
  // Only whoever is there for one tree alone can speak for it.
  if (carries === undefined || (carries !== null && !adopts)) return null;
  return credential && { agent, uid, command, shimPid, adopts, sidecar: carries, credential };
}

export function encodeLaunchReply(reply: LaunchReply): string {
  return `${JSON.stringify(reply)}\n`;
}

export function decodeLaunchReply(line: string): LaunchReply | null {
  const value = readObject(line);
  if (value?.ok === false && typeof value.says === 'string') return { ok: false, says: value.says };
  if (value?.ok === true && (value.env === null || isTexts(value.env))) {
    return { ok: true, env: value.env, a2a: typeof value.a2a === 'string' ? value.a2a : null };
  }
  return null;
}

/** Undefined for what is no sidecar. The gateway dials the address, so it is of this machine and nothing else. */
function sidecarOf(value: unknown): LaunchSidecar | null | undefined {
  if (value === null) return null;
  if (typeof value !== 'object' || Object.keys(value!).join() !== 'inbound') return undefined;
  const { inbound } = value as { readonly inbound: unknown };
  if (inbound === null) return { inbound };
  return typeof inbound === 'string' && /^https:\/\/127\.0\.0\.1:\d{1,5}$/.test(inbound) ? { inbound } : undefined;
}

function credentialOf(session: unknown, launchToken: unknown): LaunchCredential | null {
  if (typeof session === 'string' && launchToken === undefined) return { session };
  if (typeof launchToken === 'string' && session === undefined) return { launchToken };
  return null;
}

function readObject(line: string): { readonly [name: string]: unknown } | null {
  const read = parseStrictJson(utf8(line), { depthMax: 4, bytesMax: launchLineBytesMax });
  return read.ok && isJsonObject(read.value) ? read.value : null;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && !item.includes('\0'));
}
