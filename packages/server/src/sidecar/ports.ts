// What the sidecar needs of other rooms, by shape: words of HTTP that the gateway has as well, and a look at processes.
// `writ run` hands them in.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DenialCode } from '@writ/core';

/** How contract §5 answers a denial; `action`: in the protocol's own words. */
export type RefusalKind =
  | { readonly as: 'action' }
  | { readonly as: string; readonly status: number; readonly error: string };

type Body = { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly fault: string };

export interface HttpWords {
  hostMatches(req: IncomingMessage, base: string): boolean;
  originMatches(req: IncomingMessage, base: string, allowed: ReadonlySet<string>): boolean;
  headerValues(req: IncomingMessage, lowerName: string): readonly string[];
  credentialOf(req: IncomingMessage): { readonly kind: string };
  forwardableHeaders(req: IncomingMessage, allowed: (lowerName: string) => boolean): Record<string, string>;
  readBody(req: IncomingMessage, bytesMax: number): Promise<Body>;
  dropUnread(req: IncomingMessage, res: ServerResponse): void;
  answerJson(res: ServerResponse, status: number, body: unknown, headers?: { readonly [name: string]: string }): void;
  httpRefusalOf(code: DenialCode): RefusalKind;
}

/** The parent of a process and its state, or null when there is none. */
export type StatOf = (pid: number) => { readonly parentPid: number } | null;
