// Agents that call a tool as fast as they are answered, and remember what they were told: the answers that a log may not lose.

import type { Agent as HttpsAgent } from 'node:https';
import { httpRequest } from '@writ/agent/node';
import { canonicalJson, isJsonObject, parseStrictJsonText } from '@writ/core';
import { digestOf } from '../../packages/server/src/gateway/http-io.ts';

/** One answer that reached its caller, whole. */
export interface Told {
  readonly decisionId: string;
  readonly outcome: 'allow' | 'deny';
  readonly code: string | null;
  /** `sha256:…` of the canonical arguments, which no two calls share. */
  readonly argumentsDigest: string;
}

export interface Caller {
  readonly url: string;
  readonly token: string;
  readonly spiffeId: string;
  /** Of the task that the token was taken from. */
  readonly continuation: string;
  readonly dial: HttpsAgent;
  /** Told apart from every other caller of every round. */
  readonly name: string;
}

/** Every so many calls one goes to a tool that nobody allows. */
const refusedEvery = 4;
const allowedTool = 'read';
const refusedTool = 'hidden';

/** Calls until the connection breaks or `stopped`. Answers that were cut short are not told. */
export async function callUntilKilled(
  caller: Caller,
  stopped: AbortSignal,
  told: (one: Told | null) => void,
): Promise<void> {
  for (let n = 0; !stopped.aborted; n++) {
    const tool = n % refusedEvery === refusedEvery - 1 ? refusedTool : allowedTool;
    told(await callOnce(caller, tool, `${caller.name}-${n}`));
  }
}

/** One call, its whole answer read. Null when the plane had to turn it away (503). */
export async function callOnce({ url, token, dial }: Caller, tool: string, id: string): Promise<Told | null> {
  const args = { id };
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const { status, headers, body } = await httpRequest(dial, {
    url,
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: tool, arguments: args, _meta },
    }),
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': tool,
    },
  });
  const text = Buffer.concat(await body.toArray()).toString();
  const answer = parseStrictJsonText(text);
  const decisionId = headers['writ-decision'];
  if (!answer.ok || !isJsonObject(answer.value) || typeof decisionId !== 'string') {
    throw new Error(`${tool} was answered ${status} ${text}`);
  }
  // A plane that cannot record refuses, and has nothing it could keep.
  if (status === 503) return null;
  const { error } = answer.value;
  const data = isJsonObject(error) ? error.data : answer.value;
  const code = isJsonObject(data) && typeof data.code === 'string' ? data.code : null;
  return {
    decisionId,
    outcome: code === null ? 'allow' : 'deny',
    code,
    argumentsDigest: digestOf(canonicalJson(args)),
  };
}
