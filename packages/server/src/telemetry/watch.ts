// Sits around one exchange on its way through the spine and notes when it came how far. Adds nothing to what is sent or said, and never
// throws: a fault in here is told and the call goes on.

import type { Decision } from '@writ/core';
import type { CallTrace, Course, Handed, Watched } from './types.ts';

export interface WatchPorts {
  /** Epoch milliseconds with a fraction, from a clock that never goes back. */
  nowMillis(): number;
  /** Null while nobody wants traces. */
  trace(exchange: Watched<unknown>['call'], atMillis: number): CallTrace | null;
  ended(course: Course): void;
  report(what: string, error: unknown): void;
}

export interface Watch {
  /** The exchange to hand on, and what to call once the spine is done with it. */
  around<Reply, Exchange extends Watched<Reply>>(exchange: Exchange): { exchange: Exchange; done(): void };
  /** A decision was handed to the log. */
  handed(decisionId: string, receipt: Handed): void;
}

type Mutable<Value> = { -readonly [name in keyof Value]: Value[name] };

export function createWatch(ports: WatchPorts): Watch {
  const { nowMillis } = ports;
  const under = new Map<string, Mutable<Course>>();

  function quietly(work: () => void): void {
    try {
      work();
    } catch (error) {
      ports.report('telemetry', error);
    }
  }

  return {
    around(exchange) {
      const { call } = exchange;
      const course: Mutable<Course> = {
        ...{ call, begun: nowMillis(), judged: null, recorded: null, forwarded: null, answered: null, ended: 0 },
        ...{ decision: null, answer: null },
      };
      under.set(call.decisionId, course);
      let trace: CallTrace | null = null;
      quietly(() => {
        trace = ports.trace(call, course.begun);
      });
      const told = (decision: Decision) => {
        course.decision = decision;
        course.judged ??= nowMillis();
      };
      const watched: typeof exchange = {
        ...exchange,
        async forward(decision: Decision) {
          told(decision);
          course.forwarded = nowMillis();
          const send = () => exchange.forward(decision);
          try {
            return await ((trace as CallTrace | null)?.forwarding(send, course.forwarded) ?? send());
          } finally {
            course.answered = nowMillis();
          }
        },
        async refuse(decision: Decision) {
          told(decision);
          await exchange.refuse(decision);
        },
        async release(reply: Parameters<typeof exchange.release>[0], decision: Decision) {
          const ending = await exchange.release(reply, decision);
          course.answer = ending.state;
          return ending;
        },
      };
      return {
        exchange: watched,
        done() {
          under.delete(call.decisionId);
          course.ended = nowMillis();
          quietly(() => (trace as CallTrace | null)?.ended(course));
          quietly(() => ports.ended(course));
        },
      };
    },
    handed(decisionId, { durable }) {
      const course = under.get(decisionId);
      if (!course) return;
      course.judged ??= nowMillis();
      durable.then(
        () => {
          course.recorded = nowMillis();
        },
        () => {}, // the spine says what becomes of the call
      );
    },
  };
}
