// Tells somebody's own service that a question waits for a person, so that they need not watch a page. The message is signed (HMAC,
// in the form of the Standard Webhooks specification 1.0), goes to the one address that the operator wrote and follows no redirect.
// It holds no value of an argument unless the operator asked for them, and no way to answer: that takes a person's session.

import { createHmac } from 'node:crypto';
import type { JsonObject } from '@writ/core';
import { type Web, WebError } from '../broker/web.ts';

export interface WebhookDeps {
  readonly url: string;
  /** Arguments, and the sentence with their values, are sent too. */
  readonly showArguments: boolean;
  readonly web: Web;
  /** Read for every message, so that a new one needs no restart. */
  secret(): Promise<string>;
  nowSeconds(): number;
  report(what: string, error: unknown): void;
  /** Waits before another attempt; rejects when the plane stops. */
  wait(millis: number): Promise<void>;
}

/** A question as the webhook may tell of it. */
export interface WaitingQuestion {
  readonly id: string;
  readonly url: string;
  readonly hash: string;
  readonly expiresSeconds: number;
  /** Without any value of an argument. */
  readonly about: JsonObject;
  /** With them. */
  readonly values: JsonObject;
}

export interface Webhook {
  /** Returns at once: whether it arrives changes nothing about the question. */
  opened(question: WaitingQuestion): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** Pauses between attempts; after the last one it is given up. */
const pausesMillis = [1_000, 10_000, 60_000];
const underWayMax = 64;

export function createWebhook(deps: WebhookDeps): Webhook {
  const underWay = new Set<Promise<void>>();
  const url = new URL(deps.url);

  async function send(question: WaitingQuestion): Promise<void> {
    const body = JSON.stringify(messageOf(question, deps.showArguments));
    for (const pause of [...pausesMillis, null]) {
      const failed = await attempt(question.id, body);
      if (failed === null) return;
      if (pause === null || failed.final) throw failed.cause;
      await deps.wait(pause);
    }
  }

  async function attempt(id: string, body: string): Promise<{ final: boolean; cause: Error } | null> {
    const timestamp = String(deps.nowSeconds());
    const signature = createHmac('sha256', await deps.secret())
      .update(`${id}.${timestamp}.${body}`)
      .digest('base64');
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    };
    try {
      const { status } = await deps.web.ask(url, { method: 'POST', headers, body });
      if (status >= 200 && status < 300) return null;
      // It understood and refused: saying it again changes nothing.
      const final = status >= 400 && status < 500 && status !== 429 && status !== 408;
      return { final, cause: new WebError(`\`${url.origin}${url.pathname}\` answered ${status}`) };
    } catch (error) {
      return { final: false, cause: error as Error };
    }
  }

  return {
    opened(question) {
      if (underWay.size >= underWayMax) {
        deps.report('webhook', new Error(`too many messages are under way, so none was sent about ${question.id}`));
        return;
      }
      const sending = send(question).catch((error: unknown) => deps.report(`webhook about ${question.id}`, error));
      underWay.add(sending);
      void sending.finally(() => underWay.delete(sending));
    },
    async idle() {
      await Promise.all(underWay);
    },
  };
}

function messageOf({ id, url, hash, expiresSeconds, about, values }: WaitingQuestion, showArguments: boolean) {
  const data = { id, url, hash, expires: new Date(expiresSeconds * 1000).toISOString(), ...about };
  return { type: 'approval.opened', data: showArguments ? { ...data, ...values } : data };
}
