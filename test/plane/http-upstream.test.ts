// Plain HTTP upstreams through a whole plane (contract §5 and §7a, rules §5): a REST API as a set of actions from its OpenAPI document.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { DeniedError } from '@writ/agent';
import type { Agent } from '@writ/agent/node';
import type { TestPlane } from '../plane.fixture.ts';
import { type Crm, crmKey, crmScopes, startCrm, startCrmWorld } from './crm.fixture.ts';

let crm: Crm;
let world: TestPlane;
let agent: Agent;
let folder: string;

before(async () => {
  crm = await startCrm();
  folder = await mkdtemp(join(tmpdir(), 'writ-http-'));
  world = await startCrmWorld(crm, folder);
  agent = await world.agent('claude/orchestrator');
});
after(async () => {
  await world?.close();
  await crm?.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  crm.seen.length = 0;
  crm.answer = null;
});

type Call = (operation: string, path: string, init?: RequestInit) => Promise<Response>;

async function withTask<Result>(work: (call: Call) => Promise<Result>): Promise<Result> {
  const prompt = 'look at c1 and c2, watch, and make contacts of Ada, Grace and Mallory';
  const id = await world.task('claude/orchestrator', { prompt, scope: crmScopes });
  const task = await agent.task(id);
  try {
    return await task.run(() => work((operation, path, init) => agent.http('crm').call(operation, path, init)));
  } finally {
    task.close();
  }
}

function refusal(code: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof DeniedError, String(error));
    assert.equal(error.denial.code, code, JSON.stringify(error.denial));
    return true;
  };
}

/** An outcome is written after its caller has the answer. */
async function forwardedOf(id: string): Promise<string> {
  for (;;) {
    const { forwarded } = (await world.decision(id)).digests as { forwarded?: string };
    if (forwarded) return forwarded;
  }
}

const json = (value: unknown): RequestInit => ({
  method: 'POST',
  body: JSON.stringify(value),
  headers: { 'content-type': 'application/json' },
});

test('an allowed call is rebuilt from its arguments and goes with the broker’s credential alone (rules §5, §2.6)', async () => {
  await withTask(async (call) => {
    const answer = await call('getContact', '/contacts/c%31?limit=5&tag=a&tag=b%26c&fields=x,y&q=a+b%3Dc', {
      headers: { 'x-region': 'eu', 'user-agent': 'evil/1', accept: 'text/html' },
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { id: 'c1', name: 'Ada', note: 'call back' });
    const [seen] = crm.seen;
    assert.equal(seen!.url, '/v1/contacts/c1?fields=x,y&tag=a&tag=b%26c&limit=5&q=a%20b%3Dc');
    assert.equal(seen!.headers.authorization, `Bearer ${crmKey}`);
    assert.deepEqual(Object.keys(seen!.headers).sort(), [
      'accept',
      'accept-encoding',
      'authorization',
      'connection',
      'host',
      'x-region',
    ]);
    // Declared headers come back; cookies and what nobody declared do not.
    assert.equal(answer.headers.get('x-total'), '1');
    assert.deepEqual([answer.headers.get('set-cookie'), answer.headers.get('x-undeclared')], [null, null]);
    const decision = await world.decision(answer.headers.get('writ-decision')!);
    assert.equal(decision.outcome, 'allow');
    assert.deepEqual(
      [decision.protocol, decision.operation, decision.target],
      ['http', 'getContact', { server: 'crm', name: 'getContact' }],
    );
    assert.match(await forwardedOf(String(decision.decisionId)), /^sha256:[0-9a-f]{64}$/);
    assert.match((decision.lease as { credential: string }).credential, /CRM_KEY/);
  });
});

test('policy looks at arguments, wherever in the request they stand (contract §3)', async () => {
  await withTask(async (call) => {
    const made = await call('createContact', '/contacts', json({ name: 'Ada', age: 36 }));
    assert.deepEqual([made.status, await made.json()], [201, { id: 'c9', name: 'Ada', age: 36 }]);
    assert.equal(crm.seen[0]!.body, '{"name":"Ada","age":36}');
    await assert.rejects(
      call('createContact', '/contacts', json({ name: 'Mallory' })),
      refusal('action.policy_forbids'),
    );
    assert.equal(crm.seen.length, 1);
  });
});

test('what the document does not declare is an unknown argument, what it declares otherwise an invalid one', async () => {
  const unknown = 'action.argument_unknown';
  const invalid = 'action.argument_invalid';
  const get = (query: string, headers = {}) => ['getContact', `/contacts/c1${query}`, { headers }] as const;
  const cases: readonly (readonly [string, readonly [string, string, RequestInit]])[] = [
    [unknown, get('?_method=DELETE')],
    [unknown, get('?limit[]=1')],
    [unknown, get('', { 'x-http-method-override': 'DELETE' })],
    [unknown, get('', { cookie: 'session=1' })],
    [unknown, get('', { 'x-forwarded-for': '10.0.0.1' })],
    [unknown, get('', { 'if-none-match': 'x' })],
    [unknown, ['getContact', '/contacts/c1', { method: 'GET', headers: { 'x-api-key': 'mine' } }]],
    [unknown, ['deleteContact', '/contacts/c1', { ...json({}), method: 'DELETE' }]],
    [unknown, ['createContact', '/contacts', json({ name: 'Ada', admin: true })]],
    [unknown, ['createContact', '/contacts', json({ name: 'Ada', manager: { name: 'Grace', admin: true } })]],
    [invalid, get('?limit=1&limit=2')],
    [invalid, get('?q=1&q=2')],
    [invalid, get('?fields=a&fields=b')],
    [invalid, get('?limit=0x10')],
    [invalid, get('?limit=1e1')],
    [invalid, get('?limit=+5')],
    [invalid, get('?limit=51')],
    [invalid, get('?limit=')],
    [invalid, get('', { 'x-region': 'moon' })],
    [invalid, ['getContact', `/contacts/${'c'.repeat(21)}`, {}]],
    [invalid, ['createContact', '/contacts', json([{ name: 'Ada' }])]],
    [invalid, ['createContact', '/contacts', json({ name: ['Ada'] })]],
    [invalid, ['createContact', '/contacts', { method: 'POST' }]],
    ['action.unknown', ['getContact', '/contacts', {}]],
    ['action.unknown', ['getContact', '/Contacts/c1', {}]],
    ['action.unknown', ['getContact', '/contacts/c1', { method: 'PUT' }]],
    // A concrete path is meant before a templated one, whatever its methods.
    ['action.unknown', ['deleteContact', '/contacts/me', { method: 'DELETE' }]],
    ['action.unknown', ['getContact', '/reports/q3.pdf', {}]],
  ];
  await withTask(async (call) => {
    for (const [code, [operation, path, init]] of cases) {
      const name = `${operation} ${path} ${JSON.stringify(init)}`;
      const got = await call(operation, path, init).catch((error: unknown) => error);
      assert.ok(got instanceof DeniedError, `${name}: ${got}`);
      assert.equal(got.denial.code, code, name);
    }
  });
  assert.deepEqual(crm.seen, []);
});

test('the operation that is meant decides the scope, not the one that the caller names', async () => {
  await withTask(async (call) => {
    await assert.rejects(call('getContact', '/contacts/c1', { method: 'DELETE' }), (error) => {
      refusal('token.scope_insufficient')(error);
      assert.deepEqual((error as DeniedError).denial.scopesNeeded, ['crm:deleteContact']);
      return true;
    });
  });
});

test('an operation without manifest is of risk 4: a person is asked, and the same request goes through after their yes', async () => {
  await withTask(async (call) => {
    await call('getContact', '/contacts/c1').then((answer) => answer.text());
    const asked = await call('deleteContact', '/contacts/c77', { method: 'DELETE' }).catch((error: unknown) => error);
    assert.ok(asked instanceof DeniedError, String(asked));
    assert.equal(asked.denial.code, 'action.target_untrusted');
    const { approvals } = (await (await world.person('/approvals')).json()) as {
      approvals: { id: string; hash: string; arguments: unknown }[];
    };
    const [one] = approvals;
    assert.deepEqual(one!.arguments, { path: { id: 'c77' } });
    const verdict = { method: 'POST', body: JSON.stringify({ verdict: 'approve', hash: one!.hash }) };
    assert.equal((await world.person(`/approvals/${one!.id}`, verdict)).status, 200);
    const gone = await call('deleteContact', '/contacts/c77', { method: 'DELETE' });
    assert.equal(gone.status, 204);
    assert.deepEqual(crm.seen.map(({ method, url }) => `${method} ${url}`).at(-1), 'DELETE /v1/contacts/c77');
  });
});

test('an answer lowers the floor of its task before it is released (rules §3.5)', async () => {
  await withTask(async (call) => {
    const floorOf = async (answer: Response) => {
      await answer.text();
      return ((await world.decision(answer.headers.get('writ-decision')!)).floor as { used: number }).used;
    };
    assert.equal(await floorOf(await call('createContact', '/contacts', json({ name: 'Ada' }))), 3);
    assert.equal(await floorOf(await call('getContact', '/contacts/c1')), 3);
    // A note is text from outside.
    assert.equal(await floorOf(await call('getContact', '/contacts/c2')), 1);
  });
});

test('a stream is released event by event, and one that breaks off does not pass for whole', async () => {
  await withTask(async (call) => {
    const answer = await call('watch', '/events');
    assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.equal(await answer.text(), 'data: one\n\ndata: two\n\n');
    crm.answer = (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write('data: one\n\ndata: two\n\n', () => setTimeout(() => res.destroy(), 20));
    };
    const broken = await call('watch', '/events');
    await assert.rejects(broken.text());
    crm.answer = (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.end(`data: one\n\ndata: my key is ${crmKey}\n\n`);
    };
    let heard = '';
    const leaking = await call('watch', '/events');
    await assert.rejects(async () => {
      for await (const part of leaking.body!) heard += Buffer.from(part).toString();
    });
    assert.doesNotMatch(heard, /key/);
  });
});

test('an answer that the document does not declare goes to nobody, and no credential follows a redirect (rules §7.6)', async () => {
  const stranger = await startCrm();
  const plain = (status: number, headers: Record<string, string>, body: string | Buffer) => (res: ServerResponse) =>
    void res.writeHead(status, headers).end(body);
  const type = { 'content-type': 'application/json' };
  const answers: readonly (readonly [string, (res: ServerResponse) => void, string?])[] = [
    ['another content type', plain(200, { 'content-type': 'text/html' }, '<script>')],
    ['no content type', plain(200, {}, '{}')],
    ['another charset', plain(200, { 'content-type': 'application/json; charset=utf-16' }, '{}')],
    ['a status nobody declared', plain(202, type, '{}')],
    ['a failure nobody declared', plain(500, type, '{"trace":"at /srv"}')],
    ['a redirect', plain(307, { location: `${stranger.url}/contacts/c1` }, '')],
    ['a coding nobody asked for', plain(200, { ...type, 'content-encoding': 'gzip' }, Buffer.from([31, 139]))],
    ['JSON with a name twice', plain(200, type, '{"id":1,"id":2}')],
    ['no JSON', plain(200, type, 'hello')],
    ['text that is not UTF-8', plain(200, type, Buffer.from([0x22, 0xff, 0x22]))],
    ['more than is taken', plain(200, type, Buffer.alloc(17 * 1024 * 1024, 0x20))],
    [
      'half of it',
      (res) => void res.writeHead(200, { ...type, 'content-length': '9' }).write('{', () => res.destroy()),
    ],
    ['a doubt about the credential', plain(401, { ...type, 'www-authenticate': 'Bearer realm="crm"' }, '{}')],
    ['the key', plain(200, type, JSON.stringify({ note: crmKey })), 'action.secret_in_result'],
    ['the key, spelled otherwise', plain(200, type, `{"note":"\\u006b${crmKey.slice(1)}"}`), 'action.secret_in_result'],
    ['the key in a header', plain(200, { ...type, 'x-total': crmKey }, '{}'), 'action.secret_in_result'],
  ];
  try {
    await withTask(async (call) => {
      for (const [name, answer, code = 'gateway.upstream_unreachable'] of answers) {
        crm.answer = (_req, res) => answer(res);
        crm.seen.length = 0;
        const got = await call('getContact', '/contacts/c1').catch((error: unknown) => error);
        const told = got instanceof DeniedError ? got.denial : ((await (got as Response).json()) as { code: string });
        assert.equal(told.code, code, name);
        if (got instanceof Response) {
          assert.equal(got.status, 502, name);
          assert.deepEqual([got.headers.get('location'), got.headers.get('www-authenticate')], [null, null]);
        }
        // An effect is never sent twice.
        assert.equal(crm.seen.length, 1, name);
      }
      crm.answer = (_req, res) => plain(404, type, '{"error":"no such contact"}')(res);
      const missing = await call('getContact', '/contacts/c1');
      assert.deepEqual([missing.status, await missing.json()], [404, { error: 'no such contact' }]);
    });
    assert.deepEqual(stranger.seen, []);
  } finally {
    await stranger.close();
  }
});
