// The hop of a replay: one message with all outputs so far goes from the first agent to a second one, which acts from there on.
// What the second gate knows of the task is only what arrives with a genuine signature (contract §9).

import { randomUUID } from 'node:crypto';
import {
  fieldsFrom,
  floorAfterTake,
  type JsonValue,
  labelsOf,
  noPrompt,
  startEvidence,
  startLevel,
  withFields,
  withTurn,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import type { Case, Step } from './cases.ts';
import type { TaskState } from './gate.ts';
import {
  type Addressed,
  type Context,
  type ContextChecks,
  createSigner,
  readContext,
  signContext,
} from './signed-context.ts';

export const HOPS = ['off', 'labels', 'none', 'forged', 'replayed', 'truncated'] as const;
export type Hop = (typeof HOPS)[number];

const gate = createSigner('gate');
const agent = createSigner('gate'); // says it is the gate
// Nothing here waits; a context is read at the second it was signed.
const nowSeconds = 0;

/** The state of the second agent's gate. `ran` are the steps whose outputs the first one has. */
export function hopTo(state: TaskState, one: Case, ran: readonly Step[], hop: Exclude<Hop, 'off'>): TaskState {
  const message = { outputs: ran.map((step) => step.result) } as unknown as JsonValue;
  const gateway = 'spiffe://replay/writ/gateway';
  const to: Addressed = { gateway, receiver: 'agent/2', task: one.id, message, nowSeconds };
  const labels = labelsOf(state.evidence, state.evidence.floor, randomUUID(), nodeEngine);
  const context: Context = { labels, quote: { task: one.id, origin: 'direct', text: one.prompt } };
  const arrived = arrivedWith(hop, to, context, { key: gate.key, kid: gate.kid, seen: new Set() });
  return arrived === null ? without(state) : withContext(state, message, arrived);
}

function arrivedWith(
  hop: Exclude<Hop, 'off'>,
  to: Addressed,
  context: Context,
  verifier: Pick<ContextChecks, 'key' | 'kid' | 'seen'>,
): Context | null {
  const read = (text: string, addressed = to): Context | null => readContext(text, { ...addressed, ...verifier });
  switch (hop) {
    case 'labels':
      return read(signContext(gate, to, context));
    case 'none':
      return null;
    case 'forged':
      return read(signContext(agent, to, everythingTrusted(context)));
    case 'replayed': {
      // Genuine, of this task and for this receiver: the gate signed it for an earlier message, in which nothing stood yet.
      const earlier = { ...to, message: { outputs: [] } };
      const harmless = signContext(gate, earlier, { ...context, labels: { ...context.labels, floor: 3, spans: [] } });
      read(harmless, earlier);
      return read(harmless);
    }
    case 'truncated': {
      const whole = signContext(gate, to, context);
      return read(whole.slice(0, Math.floor(whole.length * 0.9)));
    }
  }
}

function everythingTrusted({ labels, quote }: Context): Context {
  const spans = labels.spans.map((span) => ({ ...span, handle: 3 as const, text: 3 as const }));
  return { labels: { ...labels, floor: 3, spans }, quote };
}

function withContext(state: TaskState, message: JsonValue, { labels, quote }: Context): TaskState {
  const start = floorAfterTake(labels.floor, startLevel('gated'));
  const { prompt, floor } = withTurn(noPrompt, { origin: quote.origin, text: quote.text, opensTask: true }, start);
  const fields = fieldsFrom(message, labels, nodeEngine);
  return { ...state, prompt, promptArrived: true, evidence: withFields(startEvidence(floor), fields, state.echoes) };
}

/** Nobody knows anything of it: level 0, and no prompt (rules §3.3, §3.10). */
function without(state: TaskState): TaskState {
  return { ...state, prompt: noPrompt, promptArrived: false, evidence: startEvidence(0) };
}
