// Rules §4.3 over a real store: a word for one value in one task, and nothing of it in clear.

import assert from 'node:assert/strict';
import { argumentLeaves } from '@writ/core';
import { testOnEachStore } from '../../store/testing.ts';
import { openEndorsements } from './endorsements.ts';

const evil = 'DE75512108001245126199';
const clock = { seconds: 1000, nowSeconds: () => clock.seconds };

testOnEachStore('an endorsement is for its task alone, survives a restart, and holds no value', async (store) => {
  const open = () => openEndorsements({ db: store.db, clock, key: 'k' });
  const endorsements = await open();
  const leaves = argumentLeaves({ to: evil }, { '/to': { role: 'target', type: 'iban' } });
  const given = { task: 'tsk_1', server: 'bank', approval: 'apr_1', leaves };
  const names = await endorsements.add(given);
  assert.deepEqual(await endorsements.add(given), names, 'twice is once');
  assert.deepEqual([...(await (await open()).of('tsk_1'))], names);
  assert.deepEqual([...(await endorsements.of('tsk_2'))], []);
  const elsewhere = await endorsements.add({ ...given, task: 'tsk_2' });
  assert.notDeepEqual(elsewhere, names, 'the same value has another name in another task');
  const rows = await store.db.selectFrom('endorsements').selectAll().execute();
  assert.ok(!JSON.stringify(rows).includes(evil));
  clock.seconds += 91 * 86_400;
  await open();
  assert.deepEqual([...(await endorsements.of('tsk_1'))], [], 'kept no longer than echoes are');
});
