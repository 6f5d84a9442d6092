import assert from 'node:assert/strict';
import { slowed, testOnEachStore } from '../store/testing.ts';
import { createRegistry, type Row } from './registry.ts';

function row(id: string, parent: string | null, over: Partial<Row> = {}): Row {
  return {
    id,
    parent,
    kind: parent === null ? 'root' : 'access',
    subject: { iss: 'https://issuer.example', sub: 'howard' },
    actor: parent === null ? null : { iss: 'spiffe://zylos.local', sub: `spiffe://zylos.local/a/${id}` },
    clientId: null,
    audience: 'https://gateway.example/mcp/files',
    scopes: ['files:read_file'],
    task: 'tsk_1',
    grantId: null,
    holder: null,
    issuedSeconds: 1_800_000_000,
    untilSeconds: 4_000_000_000,
    expiresSeconds: 1_800_000_300,
    decision: null,
    ...over,
  };
}

testOnEachStore('a row comes back as it was written', async (store) => {
  const registry = createRegistry(store);
  const written = row('root', null, {
    decision: 'dec_1',
    holder: 'spiffe://zylos.local/db/agent',
  });
  assert.equal(await registry.enter(written), null);
  assert.deepEqual(await registry.find('root'), { ...written, revokedSeconds: null });
  assert.equal(await registry.find('other'), null);
});

testOnEachStore('nothing is entered below a row that is unknown or withdrawn', async (store) => {
  const registry = createRegistry(store);
  assert.equal((await registry.enter(row('orphan', 'nobody')))?.code, 'token.revoked');
  assert.equal(await registry.find('orphan'), null);
  await registry.enter(row('root', null));
  await registry.withdraw({ token: 'root' });
  assert.equal((await registry.enter(row('late', 'root')))?.code, 'token.revoked');
});

testOnEachStore('withdrawing reaches every descendant and no sibling', async (store) => {
  const registry = createRegistry(store);
  const tree = [
    row('root', null),
    row('a', 'root'),
    row('b', 'root'),
    row('a1', 'a'),
    row('a2', 'a'),
    row('a11', 'a1'),
  ];
  for (const one of tree) await registry.enter(one);
  const { rows, sequence } = await registry.withdraw({ token: 'a' });
  assert.equal(rows, 4);
  const { entries } = await store.revocations.since(0);
  assert.deepEqual(entries.map((entry) => entry.value).sort(), ['a', 'a1', 'a11', 'a2']);
  assert.equal(entries.at(-1)!.sequence, sequence);
  for (const living of ['root', 'b']) assert.equal((await registry.find(living))!.revokedSeconds, null);
  assert.deepEqual(await registry.withdraw({ token: 'a' }), { rows: 0, sequence });
});

testOnEachStore(
  'a child that is entered while its parent is withdrawn is refused or withdrawn with it',
  async (store) => {
    const registry = createRegistry(store);
    const busy = createRegistry(slowed(store, 1));
    for (let round = 0; round < 8; round++) {
      const parent = `root-${round}`;
      await registry.enter(row(parent, null));
      const entering = Array.from({ length: 12 }, async (_, n) => {
        const id = `child-${round}-${n}`;
        return (await registry.enter(row(id, parent))) === null ? id : null;
      });
      const [entered] = await Promise.all([Promise.all(entering), busy.withdraw({ token: parent })]);
      for (const id of entered) if (id !== null) assert.notEqual((await registry.find(id))!.revokedSeconds, null, id);
    }
  },
);

testOnEachStore('ending a task is one entry for verifiers, whatever number of tokens it had', async (store) => {
  const registry = createRegistry(store);
  await store.db
    .insertInto('tasks')
    .values({
      id: 'tsk_1',
      root_iss: 'i',
      root_sub: 's',
      agent: 'db/agent',
      client_id: null,
      grant_id: null,
      prompt: null,
      origin: 'none',
      opened_by: 's',
      row: 'root',
      root_link: '{}',
      floor: 1,
      created: 0,
      until_seconds: 4_000_000_000,
      ended: null,
    })
    .execute();
  for (const one of [row('root', null), row('a', 'root'), row('other', null, { task: 'tsk_2' })])
    await registry.enter(one);
  assert.equal((await registry.withdraw({ task: 'tsk_1' })).rows, 2);
  const { entries } = await store.revocations.since(0);
  assert.deepEqual(
    entries.map(({ kind, value }) => [kind, value]),
    [['task', 'tsk_1']],
  );
  assert.equal((await registry.find('other'))!.revokedSeconds, null);
  assert.equal((await registry.withdraw({ task: 'tsk_1' })).rows, 0);
  assert.equal((await registry.withdraw({ task: 'tsk_none' })).rows, 0);
});
