// Messages on their way from a process to one caller. Bounded: a caller that does not read loses progress, never its answer.

import type { Message } from './upstream.ts';

export interface Queue<Item> {
  push(item: Item): void;
  fail(error: Error): void;
  next(): Promise<Item>;
}

// Advisory by the standard: a progress that is overtaken by the next says nothing.
const notificationsMax = 64;

export function createQueue<Item extends Pick<Message, 'kind'>>(): Queue<Item> {
  const held: Item[] = [];
  let failure: Error | null = null;
  let waiting: PromiseWithResolvers<Item> | null = null;
  return {
    push(item) {
      if (waiting) {
        waiting.resolve(item);
        waiting = null;
      } else if (item.kind === 'response' || held.length < notificationsMax) held.push(item);
    },
    fail(error) {
      failure ??= error;
      waiting?.reject(failure);
      waiting = null;
    },
    next() {
      const item = held.shift();
      if (item) return Promise.resolve(item);
      if (failure) return Promise.reject(failure);
      waiting = Promise.withResolvers<Item>();
      return waiting.promise;
    },
  };
}
