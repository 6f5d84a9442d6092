import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, openWorld, type World } from './world.fixture.ts';

test('decisions are listed newest first, and after a sequence oldest first', async (t) => {
  const world = await openWorld(t);
  for (const id of ['d1', 'd2', 'd3']) await world.decided(id, 'deny', { code: 'token.missing' });
  const bearer = world.viewerToken;
  const ids = async (query: string) =>
    (await api(world, `GET decisions${query}`, { bearer })).body.decisions.map(
      (row: { decisionId: string }) => row.decisionId,
    );
  assert.deepEqual(await ids(''), ['d3', 'd2', 'd1']);
  assert.deepEqual(await ids('?limit=1'), ['d3']);
  assert.deepEqual(await ids('?since=0&limit=1'), ['d2']);
  for (const bad of ['?since=-1', '?limit=all', '?since=1e3']) {
    assert.equal((await api(world, `GET decisions${bad}`, { bearer })).status, 400, bad);
  }
});

test('a decision is told whole: its record, what became of it, and its proven place in the log', async (t) => {
  const world = await openWorld(t);
  await world.decided('first', 'deny');
  const digests = { judged: 'sha256:11' };
  await world.decided('done', 'allow', { sentence: 'howard asked', digests }, 'complete');
  const { body } = await api(world, 'GET decisions/done', { bearer: world.viewerToken });
  assert.deepEqual(
    [body.decisionId, body.sequence, body.sentence, body.outcome, body.digests.judged],
    ['done', 1, 'howard asked', 'allow', 'sha256:11'],
  );
  assert.deepEqual(body.result, { state: 'complete', sequence: 2 });
  assert.deepEqual([body.proof.index, body.proof.verified], [1, true]);
  assert.ok(body.proof.size >= 2);
  assert.ok(!('kind' in body) && !('id' in body));
});

test('allowed and never closed reads as unknown; refused as nothing', async (t) => {
  const world = await openWorld(t);
  await world.decided('open', 'allow');
  await world.decided('no', 'deny');
  const result = async (id: string) =>
    (await api(world, `GET decisions/${id}`, { bearer: world.viewerToken })).body.result;
  assert.deepEqual(await result('open'), { state: 'unknown', sequence: null });
  assert.deepEqual(await result('no'), { state: 'none', sequence: null });
  assert.equal((await api(world, 'GET decisions/nothing', { bearer: world.viewerToken })).status, 404);
});

test('a refusal at the token endpoint is found by the id the caller was told, other events are not', async (t) => {
  const world = await openWorld(t);
  const refused = { client: 'spiffe://zylos.local/db/agent', grant: 'token-exchange', code: 'token.scope_widened' };
  const time = '2026-11-24T12:00:00.000Z';
  const told = {
    kind: 'event',
    id: 'r1',
    time,
    event: 'token.refused',
    error: 'invalid_scope',
    detail: {},
    ...refused,
  };
  await world.log.append(told).durable;
  await world.log.append({ kind: 'event', id: 'e1', time, event: 'person.signed_in', user: 'howard' }).durable;
  const { body } = await api(world, 'GET decisions/r1', { bearer: world.viewerToken });
  assert.deepEqual(body, { event: told, sequence: 0, proof: { index: 0, size: body.proof.size, verified: true } });
  assert.equal((await api(world, 'GET decisions/e1', { bearer: world.viewerToken })).status, 404);
  const cookie = await world.signIn('howard');
  const page = await fetch(`${world.origin}/console/decisions/r1`, { headers: { cookie: `writ_session=${cookie}` } });
  assert.match(await page.text(), /a token.*spiffe:.*token-exchange.*invalid_scope.*token\.scope_widened/s);
});

async function listen(world: World, bearer: string, headers: { [name: string]: string } = {}) {
  const abort = new AbortController();
  const response = await fetch(`${world.origin}/api/v1/live`, {
    headers: { authorization: `Bearer ${bearer}`, ...headers },
    signal: abort.signal,
  });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const reader = response.body!.getReader();
  let text = '';
  return {
    leave: () => abort.abort(),
    /** Ids until there are so many; fewer when the stream ends. */
    async ids(count: number) {
      const found = () => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
      while (found().length < count) {
        const { done, value } = await reader.read();
        if (done) break;
        text += Buffer.from(value).toString('utf8');
      }
      return found();
    },
  };
}

test('the live stream tells of each decision once, and goes on where a reader left', async (t) => {
  const world = await openWorld(t);
  await world.decided('before', 'deny');
  const stream = await listen(world, world.viewerToken);
  await world.decided('one', 'allow', {}, 'complete');
  await world.decided('two', 'deny');
  assert.deepEqual(await stream.ids(2), [1, 3]);
  stream.leave();
  await world.decided('meanwhile', 'deny');
  const back = await listen(world, world.viewerToken, { 'last-event-id': '1' });
  assert.deepEqual(await back.ids(2), [3, 4]);
  back.leave();
});

test('a long absence is caught up with, in order and without gaps', async (t) => {
  const world = await openWorld(t);
  await Promise.all(Array.from({ length: 450 }, (_, i) => world.decided(`d${i}`, 'deny')));
  const stream = await listen(world, world.viewerToken, { 'last-event-id': '0' });
  assert.deepEqual(
    await stream.ids(449),
    Array.from({ length: 449 }, (_, i) => i + 1),
  );
  stream.leave();
});

test('a stream ends when its reader is signed out', async (t) => {
  const world = await openWorld(t);
  const bearer = await world.signIn('howard');
  const stream = await listen(world, bearer);
  await api(world, 'POST logout', { bearer, body: {} });
  assert.deepEqual(await stream.ids(1), []);
});
