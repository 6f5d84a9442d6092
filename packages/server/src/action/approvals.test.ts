// Rules §4 over a real store: one question for one exact action, a cap for each person, and a yes that is used once.

import assert from 'node:assert/strict';
import { type Call, type Decision, decide, type Policy } from '@writ/core';
import {
  callOf,
  nowSeconds,
  permitAll,
  shortChain,
  tokenFor,
  worldWith,
} from '../../../core/src/decision/world.fixture.ts';
import type { Store } from '../store/store.ts';
import { testOnEachStore } from '../store/testing.ts';
import type { WaitingQuestion } from './approvals/webhook.ts';
import { type ApprovalsDeps, createApprovals } from './approvals.ts';

const asking = (rule = 'guard.ask'): Policy => ({
  ...permitAll,
  evaluate: ({ asker }) =>
    asker.kind === 'agent'
      ? { outcome: 'approval', determining: [rule], errors: [] }
      : { outcome: 'permit', determining: ['all.user'], errors: [] },
});

interface Scene {
  readonly opened: WaitingQuestion[];
  ask(over?: Partial<Call>, resumes?: string | null, rule?: string): Promise<{ id: string } | { refused: string }>;
  granted(over?: Partial<Call>, resumes?: string | null): Promise<readonly string[]>;
  set(id: string, state: string): Promise<void>;
  approvals: ReturnType<typeof createApprovals>;
}

function scene(store: Store, more: Partial<ApprovalsDeps> = {}): Scene {
  let ids = 0;
  const opened: WaitingQuestion[] = [];
  const approvals = createApprovals({
    store,
    newId: () => `${++ids}`,
    url: (id) => `https://writ.example/${id}`,
    effectOf: () => 'write',
    onOpened: (question) => opened.push(question),
    ...more,
  });
  const decided = (over: Partial<Call>, rule?: string): readonly [Decision, Call] => {
    const call = callOf(tokenFor(shortChain()), over);
    return [decide(call, worldWith({ policy: asking(rule) }), nowSeconds), call];
  };
  return {
    approvals,
    opened,
    ask: (over = {}, resumes = null, rule) => approvals.open(...decided(over, rule), resumes),
    granted: async (over = {}, resumes = null) =>
      (await approvals.granted(decided(over)[0].ask!.requestKey, resumes)).map(({ id }) => id),
    async set(id, state) {
      await store.db.updateTable('approvals').set({ state }).where('id', '=', id).execute();
    },
  };
}

const idOf = (answer: { id: string } | { refused: string }) => ('id' in answer ? answer.id : answer.refused);
const path = (text: string): Partial<Call> => ({ arguments: { path: text } });

testOnEachStore('many calls at once ask one question, and each action its own', async (store) => {
  const { ask, opened } = scene(store);
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask()));
  assert.deepEqual(new Set(answers.map(idOf)).size, 1);
  assert.notEqual(idOf(await ask(path('/other'))), idOf(answers[0]!));
  assert.equal(opened.length, 2);
});

testOnEachStore('no more questions to one person in an hour than the cap, however they are sent', async (store) => {
  const { ask } = scene(store, { perHourMax: 3 });
  const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => ask(path(`/${i}`))));
  assert.deepEqual(answers.filter((one) => 'refused' in one).map(idOf), Array(3).fill('action.limit_exceeded'));
  assert.equal(idOf(await ask(path('/0'))), idOf(answers[0]!), 'what is open already is no new question');
  await store.db.updateTable('approvals').set({ created: 0 }).execute();
  assert.ok('id' in (await ask(path('/later'))), 'an hour later there is room again');
});

testOnEachStore('who comes back to a question gets that one or a no, and nobody is asked anew', async (store) => {
  const { ask, granted, set, opened } = scene(store);
  const id = idOf(await ask());
  assert.equal(idOf(await ask({}, id)), id);
  assert.equal(idOf(await ask({}, 'apr_other')), 'action.approval_invalid');
  assert.equal(idOf(await ask({}, id, 'another.rule')), 'action.approval_invalid', 'other rules ask by now');
  await set(id, 'approved');
  assert.deepEqual([await granted({}, id), await granted({}, 'apr_other'), await granted()], [[id], [], [id]]);
  for (const state of ['used', 'denied']) {
    await set(id, state);
    assert.equal(idOf(await ask({}, id)), 'action.approval_invalid', state);
  }
  assert.equal(idOf(await ask()), 'action.approval_invalid', 'a no of a moment ago stays one');
  await store.db.updateTable('approvals').set({ expires: 0, state: 'open' }).execute();
  assert.equal(idOf(await ask({}, id)), 'action.approval_invalid', 'it ran out');
  assert.equal(opened.length, 1);
});

testOnEachStore('how a question stands is told by its id', async (store) => {
  const { ask, approvals, set } = scene(store);
  const id = idOf(await ask());
  const state = async () => (await approvals.question(id))?.state;
  const seen = [await state()];
  for (const next of ['approved', 'used', 'denied']) {
    await set(id, next);
    seen.push(await state());
  }
  await store.db.updateTable('approvals').set({ state: 'approved', expires: 0 }).execute();
  assert.deepEqual([...seen, await state()], ['open', 'approved', 'used', 'denied', 'expired']);
  assert.equal(await approvals.question('apr_none'), null);
});

testOnEachStore('a question says in one sentence what a yes does; what is told on holds no value', async (store) => {
  const { ask, opened } = scene(store);
  await ask(path('/very/secret'));
  const { about, values } = opened[0]!;
  assert.equal(
    values.will,
    'If you approve, claude/orchestrator changes something through files/read_file, for howard, once.',
  );
  assert.ok(!JSON.stringify(about).includes('secret'));
});
