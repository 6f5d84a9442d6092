// What `writ run` and the plane say to each other on the launch socket: one line of JSON each way, nothing else.
// Both sides read from here, so that the shape has one definition. Rules §1.1.

import { isJsonObject, parseStrictJson, utf8 } from '@writ/core';

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
  readonly credential: LaunchCredential;
}

export type LaunchReply =
  /** `env`: names that may reach the command; null leaves the environment as it is. */
  { readonly ok: true; readonly env: readonly string[] | null } | { readonly ok: false; readonly says: string };

export const launchLineBytesMax = 256 * 1024;

export function encodeLaunchRequest({ credential, ...rest }: LaunchRequest): string {
  return `${JSON.stringify({ ...rest, ...credential })}\n`;
}

/** The request in a line, or null when it is not exactly one. */
export function decodeLaunchRequest(line: string): LaunchRequest | null {
  const value = readObject(line);
  if (value === null) return null;
  const { agent, uid, command, shimPid, adopts, session, launchToken, ...unknown } = value;
  if (Object.keys(unknown).length > 0) return null;
  if (typeof agent !== 'string' || !isCount(uid) || !isCount(shimPid) || typeof adopts !== 'boolean') return null;
  if (!isTexts(command) || command.length === 0) return null;
  const credential = credentialOf(session, launchToken);
  return credential && { agent, uid, command, shimPid, adopts, credential };
}

export function encodeLaunchReply(reply: LaunchReply): string {
  return `${JSON.stringify(reply)}\n`;
}

export function decodeLaunchReply(line: string): LaunchReply | null {
  const value = readObject(line);
  if (value?.ok === false && typeof value.says === 'string') return { ok: false, says: value.says };
  if (value?.ok === true && (value.env === null || isTexts(value.env))) return { ok: true, env: value.env };
  return null;
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
