// What the broker keeps in the database, on each database: leases that a crash leaves behind, and what is known of credentials.

import assert from 'node:assert/strict';
import { testOnEachStore } from '../../store/testing.ts';
import { leaseStore } from './lease-store.ts';
import { credentialNotes } from './notes.ts';

const row = (id: string) => ({ id, server: 'db', task: 'one', decision: 'd', handle: null });

testOnEachStore(
  'a lease stands there from before it is taken until it is given back, for its own replica',
  async (store) => {
    const one = leaseStore(store, '1');
    const two = leaseStore(store, '2');
    await one.opened(row('a'));
    await one.opened(row('b'));
    await two.opened(row('c'));
    assert.deepEqual(await one.open(), [row('a'), row('b')]);
    await one.taken('a', 'database/creds/readonly/x');
    await one.opened(row('a'));
    assert.deepEqual(
      (await one.open()).map(({ id, handle }) => [id, handle]),
      [
        ['a', 'database/creds/readonly/x'],
        ['b', null],
      ],
      'taken anew, it keeps its row',
    );
    await one.closed('a');
    await one.closed('a');
    assert.deepEqual([(await one.open()).length, (await two.open()).length], [1, 1]);
  },
);

testOnEachStore('rules §3.11: exposures are counted per value, and a new value begins at none', async (store) => {
  const clock = { now: 100, nowSeconds: () => clock.now };
  const report = (_: string, error: unknown) => assert.fail(error as Error);
  const notes = credentialNotes({ store, key: new Uint8Array(32), clock, report });
  const listed = async () => {
    await notes.settled();
    return (await notes.list()).map(({ name: _, ...rest }) => rest);
  };
  notes.used('env KEY', 'first-value');
  notes.exposed('env KEY', 'files');
  notes.exposed('env KEY', 'mail');
  const seen = { exposures: 2, exposedSeconds: 100, exposedBy: 'mail' };
  assert.deepEqual(await listed(), [{ sinceSeconds: 100, lastUsedSeconds: 100, ...seen }]);
  clock.now = 130;
  notes.used('env KEY', 'first-value');
  assert.deepEqual(await listed(), [{ sinceSeconds: 100, lastUsedSeconds: 100, ...seen }], 'noted once a minute');
  clock.now = 160;
  notes.used('env KEY', 'first-value');
  assert.deepEqual(await listed(), [{ sinceSeconds: 100, lastUsedSeconds: 160, ...seen }]);
  notes.used('env KEY', 'second-value');
  const clean = { exposures: 0, exposedSeconds: null, exposedBy: null };
  assert.deepEqual(await listed(), [{ sinceSeconds: 160, lastUsedSeconds: 160, ...clean }]);
  notes.exposed('nobody uses this', 'files');
  assert.equal((await listed()).length, 1);
});
