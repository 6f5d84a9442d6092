// Requests to a plain HTTP upstream as an attacker writes them, byte by byte (rules §5): none means another operation to the upstream
// than to the judge, none carries anything of the caller's there, and the gateway lives on.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { openTokenClient, planeFromReady } from '@writ/agent';
import { type DialSvid, mtlsAgent, mtlsFetch } from '@writ/agent/node';
import type { TestPlane } from '../plane.fixture.ts';
import { type Crm, crmScopes, startCrm, startCrmWorld } from './crm.fixture.ts';

const agentPath = 'claude/orchestrator';
let crm: Crm;
let world: TestPlane;
let folder: string;
let svid: DialSvid;
let token: string;

before(async () => {
  crm = await startCrm();
  folder = await mkdtemp(join(tmpdir(), 'writ-http-attacks-'));
  world = await startCrmWorld(crm, folder);
  svid = await world.svid(agentPath);
  const plane = planeFromReady(world.plane.ready);
  const dial = mtlsAgent({ svid: () => svid, expect: plane.gatewayId });
  const clock = { nowSeconds: () => Math.floor(Date.now() / 1000) };
  const client = openTokenClient({ plane, clientId: svid.spiffeId, fetch: mtlsFetch(dial), clock });
  const task = await world.task(agentPath, { prompt: 'look at c1, make Ada and Grace', scope: crmScopes });
  const { token: continuation } = await client.fetchContinuation(task);
  const audience = `${plane.mtls}/http/crm`;
  token = (await client.take({ continuation, audience, scopes: crmScopes })).token;
  dial.destroy();
});
after(async () => {
  await world?.close();
  await crm?.close();
  await rm(folder, { recursive: true });
});

interface Heard {
  /** Of every answer on the connection, in order. */
  readonly statuses: readonly number[];
  readonly text: string;
}

/** Writes these bytes and nothing else; all that comes back until the other side is done, or is silent. */
function heardAfter(bytes: string | Buffer, sender: DialSvid = svid): Promise<Heard> {
  const { hostname, port } = new URL(world.mtls);
  return new Promise((resolve) => {
    const socket = connectTls({
      host: hostname,
      port: Number(port),
      cert: sender.certPem,
      key: sender.keyPem,
      ca: [...sender.bundlePem],
      checkServerIdentity: () => undefined,
    });
    let text = '';
    const done = () => {
      socket.destroy();
      resolve({ text, statuses: [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) => Number(match[1])) });
    };
    socket.setTimeout(1_500, done);
    socket.on('data', (part) => {
      text += part.toString('latin1');
    });
    socket.on('error', done).on('close', done);
    socket.write(bytes);
  });
}

interface Raw {
  readonly method?: string;
  readonly target?: string;
  /** Lines as they are written. */
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly close?: boolean;
}

function raw({ method = 'GET', target = '/http/crm/contacts/c1', headers = [], body = '', close = true }: Raw): string {
  const host = `Host: ${new URL(world.mtls).host}`;
  const own = [host, `Authorization: Bearer ${token}`, ...(close ? ['Connection: close'] : []), ...headers];
  return `${method} ${target} HTTP/1.1\r\n${own.join('\r\n')}\r\n\r\n${body}`;
}

const json = 'Content-Type: application/json';
const post = (body: string, ...headers: string[]): Raw => ({
  method: 'POST',
  target: '/http/crm/contacts',
  headers: [json, `Content-Length: ${Buffer.byteLength(body)}`, ...headers],
  body,
});
const at = (below: string): Raw => ({ target: `/http/crm${below}` });

test('the honest request goes through, written by hand', async () => {
  const { statuses, text } = await heardAfter(raw({}));
  assert.deepEqual(statuses, [200], text);
  assert.deepEqual((await heardAfter(raw(post('{"name":"Ada"}')))).statuses, [201]);
});

const story: readonly (readonly [name: string, request: Raw, status: number, code: string | null])[] = [
  // A path that two readers would take for two things.
  ['dots that climb', at('/contacts/../contacts/c1'), 400, 'gateway.malformed'],
  ['dots that stand still', at('/./contacts/c1'), 400, 'gateway.malformed'],
  ['encoded dots', at('/contacts/%2e%2e/me'), 400, 'gateway.malformed'],
  ['half encoded dots', at('/contacts/.%2E'), 400, 'gateway.malformed'],
  ['an encoded slash', at('/contacts/c1%2Fsecrets'), 400, 'gateway.malformed'],
  ['an encoded backslash', at('/contacts/..%5cadmin'), 400, 'gateway.malformed'],
  ['a backslash', at('/contacts\\c1'), 400, 'gateway.malformed'],
  ['a slash that is encoded twice', at('/contacts/c1%252Fsecrets'), 400, 'gateway.malformed'],
  ['dots that are encoded twice', at('/contacts/%252e%252e'), 400, 'gateway.malformed'],
  ['doubled slashes', at('//contacts/c1'), 400, 'gateway.malformed'],
  ['an empty segment', at('/contacts//c1'), 400, 'gateway.malformed'],
  ['a zero byte', at('/contacts/c1%00.pdf'), 400, 'gateway.malformed'],
  ['a line break for the next header', at('/contacts/c1%0d%0ax-admin:%201'), 400, 'gateway.malformed'],
  ['an overlong dot', at('/contacts/%c0%ae%c0%ae'), 400, 'gateway.malformed'],
  ['a broken escape', at('/contacts/%zz'), 400, 'gateway.malformed'],
  ['a fragment', at('/contacts/c1#/../me'), 400, 'gateway.malformed'],
  ['a path parameter of old', at('/contacts/me;role=admin'), 403, 'action.target_untrusted'],
  ['a slash at the end', at('/contacts/c1/'), 403, 'action.unknown'],
  ['another case', at('/CONTACTS/c1'), 403, 'action.unknown'],
  ['another prefix', { target: '/http/crm2/contacts/c1' }, 403, 'transport.edge_not_allowed'],
  ['a path that runs into the key', { target: '/http/crm%2Fcontacts/c1' }, 404, null],
  ['the upstream alone', at(''), 403, 'action.unknown'],
  // A query that two readers would take for two things.
  ['a value twice', at('/contacts/c1?limit=1&limit=50'), 403, 'action.argument_invalid'],
  ['a list where one is taken', at('/contacts/c1?q=a&q=b'), 403, 'action.argument_invalid'],
  ['brackets of a framework', at('/contacts/c1?q[]=a'), 403, 'action.argument_unknown'],
  ['a name that is encoded', at('/contacts/c1?%6Cimit=1&limit=2'), 403, 'action.argument_invalid'],
  ['the method in the query', at('/contacts/c1?_method=DELETE'), 403, 'action.argument_unknown'],
  ['the prototype', at('/contacts/c1?__proto__=x'), 403, 'action.argument_unknown'],
  ['an empty pair', at('/contacts/c1?q=a&&limit=1'), 400, 'gateway.malformed'],
  ['a token in the query', at('/contacts/c1?access_token=x'), 403, 'action.argument_unknown'],
  // Who says what the method is.
  ['the method in a header', { headers: ['X-HTTP-Method-Override: DELETE'] }, 403, 'action.argument_unknown'],
  ['the method in another header', { headers: ['X-Method-Override: DELETE'] }, 403, 'action.argument_unknown'],
  ['the path in a header', { headers: ['X-Original-URL: /v1/admin'] }, 403, 'action.argument_unknown'],
  ['another path in a header', { headers: ['X-Rewrite-URL: /v1/admin'] }, 403, 'action.argument_unknown'],
  ['a method that nobody declares', { method: 'OPTIONS' }, 403, 'action.unknown'],
  ['a method for proxies', { method: 'TRACE' }, 403, 'action.unknown'],
  // Whom the upstream should believe.
  ['an address of somebody else', { headers: ['X-Forwarded-For: 127.0.0.1'] }, 403, 'action.argument_unknown'],
  ['a cookie', { headers: ['Cookie: session=admin'] }, 403, 'action.argument_unknown'],
  ['a key of the caller’s own', { headers: ['X-Api-Key: stolen'] }, 403, 'action.argument_unknown'],
  ['a second credential', { headers: ['Authorization: Basic YTpi'] }, 401, 'token.ambiguous'],
  ['a declared header twice', { headers: ['X-Region: eu', 'X-Region: us'] }, 403, 'action.argument_invalid'],
  // What the body is.
  [
    'JSON that is said to be a form',
    { ...post('{"name":"Ada"}'), headers: ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 14'] },
    400,
    'gateway.malformed',
  ],
  [
    'JSON that is said to be text',
    { ...post('{"name":"Ada"}'), headers: ['Content-Type: text/plain', 'Content-Length: 14'] },
    400,
    'gateway.malformed',
  ],
  [
    'JSON that is not said to be anything',
    { ...post('{"name":"Ada"}'), headers: ['Content-Length: 14'] },
    400,
    'gateway.malformed',
  ],
  ['two content types', post('{"name":"Ada"}', 'Content-Type: text/plain'), 400, 'gateway.malformed'],
  [
    'another charset',
    { ...post('{"name":"Ada"}'), headers: [`${json}; charset=utf-7`, 'Content-Length: 14'] },
    400,
    'gateway.malformed',
  ],
  ['a member twice', post('{"name":"Ada","name":"Mallory"}'), 400, 'gateway.malformed'],
  ['a member twice, spelled otherwise', post('{"name":"Ada","n\\u0061me":"Mallory"}'), 400, 'gateway.malformed'],
  ['a comment', post('{"name":"Ada"/*,"note":"x"*/}'), 400, 'gateway.malformed'],
  ['two values', post('{"name":"Ada"}{"name":"Mallory"}'), 400, 'gateway.malformed'],
  ['a number too large to keep', post('{"name":"Ada","age":1e999}'), 400, 'gateway.malformed'],
  ['depth without end', post(`${'['.repeat(5000)}${']'.repeat(5000)}`), 400, 'gateway.malformed'],
  ['a coding', post('{"name":"Ada"}', 'Content-Encoding: gzip'), 400, 'gateway.body_unseen'],
  ['a body that is too large', { ...post(''), headers: [json, 'Content-Length: 99999999'] }, 413, 'gateway.too_large'],
  ['a name that policy does not know', post('{"name":"Mallory"}'), 403, 'action.policy_forbids'],
  ['a scalar for a list of members', post('"Ada"'), 403, 'action.argument_invalid'],
  ['a body where none is taken', { headers: ['Content-Length: 2'], body: '{}' }, 403, 'action.argument_unknown'],
  // Where one request ends.
  ['two lengths', post('{"name":"Ada"}', 'Content-Length: 3'), 400, null],
  ['a length and chunks', post('0\r\n\r\n', 'Transfer-Encoding: chunked'), 400, null],
  ['chunks under another name', { ...post('0\r\n\r\n'), headers: [json, 'Transfer-Encoding: xchunked'] }, 400, null],
  ['a folded header', { headers: ['X-Region: eu', ' us'] }, 400, null],
  ['a space before the colon', { headers: ['X-Region : eu'] }, 400, null],
  ['a bare line feed', { headers: ['X-Region: eu\nX-Admin: 1'] }, 400, null],
  [
    'a trailer with authority',
    {
      method: 'POST',
      target: '/http/crm/contacts',
      headers: [json, 'Transfer-Encoding: chunked'],
      body: 'e\r\n{"name":"Ada"}\r\n0\r\nX-Admin: 1\r\n\r\n',
    },
    201,
    null,
  ],
];

for (const [name, request, status, code] of story) {
  test(`attack: ${name}`, async () => {
    crm.seen.length = 0;
    const { statuses, text } = await heardAfter(raw(request));
    assert.equal(statuses[0], status, `${JSON.stringify(request)}\n${text}`);
    assert.equal(statuses.length, 1, text);
    if (code !== null) {
      assert.match(text, new RegExp(`"code":"${code.replace('.', '\\.')}"`));
      assert.match(text, /^writ-decision: \S+/im);
    }
    if (status >= 400) assert.deepEqual(crm.seen, []);
    // Whatever goes through is what the gateway made of it, and holds nothing else.
    for (const { url, headers } of crm.seen) {
      assert.match(url, /^\/v1\/contacts$/);
      assert.deepEqual(
        Object.keys(headers).filter((one) => /admin|forwarded|cookie|trailer/.test(one)),
        [],
      );
      assert.doesNotMatch(String(headers.authorization), new RegExp(token.slice(0, 20)));
    }
  });
}

test('a request inside the body of another is body, and no request', async () => {
  crm.seen.length = 0;
  const inner = raw({ method: 'DELETE', target: '/http/crm/contacts/c1' });
  const outer = raw({ headers: [`Content-Length: ${Buffer.byteLength(inner)}`], body: inner, close: false });
  const { statuses, text } = await heardAfter(outer);
  assert.deepEqual(statuses, [403], text);
  assert.match(text, /action\.argument_unknown/);
  assert.deepEqual(crm.seen, []);
});

test('no edge, no host, no certificate: nothing of the body is read', async () => {
  crm.seen.length = 0;
  const other = await world.svid('db/agent');
  const noEdge = await heardAfter(raw({}), other);
  assert.deepEqual(noEdge.statuses, [403]);
  assert.match(noEdge.text, /transport\.edge_not_allowed/);
  const wrongHost = await heardAfter(raw({}).replace(/Host: \S+/, 'Host: crm.example'));
  assert.deepEqual(wrongHost.statuses, [421]);
  const bare = await fetch(`${world.oauth}/http/crm/contacts/c1`);
  assert.equal(bare.status, 401);
  const metadata = /resource_metadata="([^"]+)"/.exec(bare.headers.get('www-authenticate')!)![1]!;
  assert.equal(((await (await fetch(metadata)).json()) as { resource: string }).resource, `${world.oauth}/http/crm`);
  // The token is for the HTTP endpoint, and for no other of the same name.
  const asMcp = await heardAfter(
    raw({ method: 'POST', target: '/mcp/crm', headers: [json, 'Content-Length: 2'], body: '{}' }),
  );
  assert.notEqual(asMcp.statuses[0], 200);
  assert.deepEqual(crm.seen, []);
});
