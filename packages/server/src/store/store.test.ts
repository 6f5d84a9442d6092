import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { sql } from 'kysely';
import { openStore } from './store.ts';
import { openSqliteForTest, slowed, systemClock, testOnEachStore } from './testing.ts';

testOnEachStore('a one-time claim is taken once, however many ask at once', async (store) => {
  const until = (await store.time.nowSeconds()) + 60;
  const claim = { kind: 'once', key: 'jti:1', untilSeconds: until } as const;
  const busy = slowed(store);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => busy.claims.take([claim], `decision-${n}`)));
  assert.equal(answers.filter((answer) => answer === 'taken').length, 1);
  const lost = answers.filter((answer) => answer !== 'taken');
  assert.equal(lost.length, 19);
  for (const answer of lost) assert.deepEqual(answer, { lost: claim });
});

testOnEachStore('a claim is not taken twice by the same decision either', async (store) => {
  const claim = { kind: 'once', key: 'jti:2', untilSeconds: (await store.time.nowSeconds()) + 60 } as const;
  assert.equal(await store.claims.take([claim], 'decision-1'), 'taken');
  assert.deepEqual(await store.claims.take([claim], 'decision-1'), { lost: claim });
});

testOnEachStore('a budget is never overspent by callers that race', async (store) => {
  const debit = { kind: 'budget', row: 'row-1', unit: 'EUR', amount: 30, max: 100 } as const;
  const busy = slowed(store);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => busy.claims.take([debit], `decision-${n}`)));
  assert.equal(answers.filter((answer) => answer === 'taken').length, 3);
  const row = await store.db.selectFrom('budgets').selectAll().executeTakeFirstOrThrow();
  assert.deepEqual(row, { row: 'row-1', unit: 'EUR', spent: 90 });
});

testOnEachStore('when one claim of several is gone, none is taken', async (store) => {
  const until = (await store.time.nowSeconds()) + 60;
  const first = { kind: 'once', key: 'a', untilSeconds: until } as const;
  const spent = { kind: 'budget', row: 'r', unit: 'calls', amount: 1, max: 0 } as const;
  const last = { kind: 'once', key: 'z', untilSeconds: until } as const;
  assert.deepEqual(await store.claims.take([last, spent, first], 'decision-1'), { lost: spent });
  assert.deepEqual(await store.claims.takenSince(0), []);
  assert.equal(await store.claims.take([first, last], 'decision-2'), 'taken');
});

testOnEachStore('an amount that is negative, broken or above the ceiling debits nothing', async (store) => {
  for (const amount of [-1, 0.5, Number.NaN, 101, Number.MAX_SAFE_INTEGER + 1]) {
    const debit = { kind: 'budget', row: 'r', unit: 'calls', amount, max: 100 } as const;
    assert.deepEqual(await store.claims.take([debit], 'decision-1'), { lost: debit });
  }
  assert.deepEqual(await store.db.selectFrom('budgets').selectAll().execute(), []);
});

testOnEachStore('claims in opposite order do not wait for each other in a circle', async (store) => {
  const until = (await store.time.nowSeconds()) + 60;
  const budget = (row: string) => ({ kind: 'budget', row, unit: 'calls', amount: 1, max: 1_000 }) as const;
  const once = (key: string) => ({ kind: 'once', key, untilSeconds: until }) as const;
  const busy = slowed(store);
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, n) => {
      const claims = [budget('x'), budget('y'), once(`k${n}`)];
      return busy.claims.take(n % 2 === 0 ? claims : claims.reverse(), `decision-${n}`);
    }),
  );
  assert.ok(answers.every((answer) => answer === 'taken'));
});

testOnEachStore('what a crash may have burned can be listed by decision', async (store) => {
  const before = await store.time.nowSeconds();
  const once = { kind: 'once', key: 'k', untilSeconds: before + 60 } as const;
  const debit = { kind: 'budget', row: 'r', unit: 'calls', amount: 1, max: 5 } as const;
  await store.claims.take([once, debit], 'decision-1');
  await store.claims.take([debit], 'decision-2');
  const decisions = (await store.claims.takenSince(before)).map((taken) => taken.decision).sort();
  assert.deepEqual(decisions, ['decision-1', 'decision-2']);
  assert.deepEqual(await store.claims.takenSince(before + 3_600), []);
});

testOnEachStore('revocations are numbered without gaps and in the order they become visible', async (store) => {
  const busy = slowed(store, 1);
  let seen = 0;
  const read: number[] = [];
  const writers = Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      busy.revocations.add([{ kind: 'row', value: `row-${n}`, untilSeconds: null }]),
    ),
  );
  let done = false;
  const reader = (async () => {
    while (true) {
      const last = done;
      const { sequence, entries } = await store.revocations.since(seen);
      for (const entry of entries) if (entry.sequence > seen) read.push(entry.sequence);
      seen = Math.max(seen, sequence, ...entries.map((entry) => entry.sequence));
      if (last) return;
    }
  })();
  const given = await writers;
  done = true;
  await reader;
  assert.deepEqual(
    [...given].sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  );
  assert.deepEqual(read, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

testOnEachStore('a revocation that can no longer matter is not read again', async (store) => {
  const now = await store.time.nowSeconds();
  await store.revocations.add([
    { kind: 'row', value: 'over', untilSeconds: now - 1 },
    { kind: 'user', value: 'issuer howard', untilSeconds: null },
    { kind: 'task', value: 'tsk_1', untilSeconds: now + 60 },
  ]);
  const { sequence, entries } = await store.revocations.since(0);
  assert.equal(sequence, 3);
  assert.deepEqual(
    entries.map((entry) => entry.value),
    ['issuer howard', 'tsk_1'],
  );
  assert.deepEqual(await store.revocations.since(3), { sequence: 3, entries: [] });
});

testOnEachStore('a sweep removes what has ended and nothing else', async (store) => {
  const now = await store.time.nowSeconds();
  const row = (id: string, until: number) => ({
    id,
    parent: null,
    kind: 'root' as const,
    subject_iss: 'i',
    subject_sub: 's',
    actor_iss: null,
    actor_sub: null,
    client_id: null,
    audience: 'a',
    scopes: '[]',
    task: null,
    grant_id: null,
    holder: null,
    issued: now,
    until_seconds: until,
    exp: until,
    decision: null,
    revoked: null,
  });
  await store.db
    .insertInto('tokens')
    .values([row('old', now - 100_000), row('live', now + 60)])
    .execute();
  await store.db
    .insertInto('budgets')
    .values([
      { row: 'old', unit: 'u', spent: 1 },
      { row: 'live', unit: 'u', spent: 1 },
    ])
    .execute();
  await store.db
    .insertInto('replays')
    .values([
      { id_hash: 'old', expires: now - 1 },
      { id_hash: 'live', expires: now + 60 },
    ])
    .execute();
  assert.equal(await store.sweep(), 2);
  assert.deepEqual(await store.db.selectFrom('tokens').select('id').execute(), [{ id: 'live' }]);
  assert.deepEqual(await store.db.selectFrom('budgets').select('row').execute(), [{ row: 'live' }]);
  assert.deepEqual(await store.db.selectFrom('replays').select('id_hash').execute(), [{ id_hash: 'live' }]);
});

testOnEachStore('a store that answers is healthy, and one that is closed says so without throwing', async (store) => {
  const health = await store.health();
  assert.ok(health.reachable && Math.abs(health.skewMillis) < 1_000);
  await store.close();
  assert.equal((await store.health()).reachable, false);
});

test('the database file is readable by its owner alone and survives a second opening', async (t) => {
  const store = await openSqliteForTest(t);
  const { rows } = await sql<{ file: string }>`select file from pragma_database_list`.execute(store.db);
  const file = rows[0]!.file;
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await store.revocations.add([{ kind: 'row', value: 'r', untilSeconds: null }]);
  const again = await openStore({ file, clock: systemClock });
  assert.equal((await again.revocations.since(0)).sequence, 1);
  await again.close();
});

test('an address that is no database is refused in a sentence', async () => {
  await assert.rejects(openStore({ url: 'mysql://x', clock: systemClock }), /must begin with `postgres:\/\/`/);
});

test('a database that cannot be reached is an outage at start', async () => {
  await assert.rejects(openStore({ url: 'postgres://writ@127.0.0.1:1/none', clock: systemClock }));
});
