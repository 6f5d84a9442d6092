// A whole call with nothing but curl and SVID files: continuation, token exchange, tool. And what curl gets with the wrong files.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { runProgram } from './programs.ts';
import { type SvidFiles, type SvidFolder, svidFolder } from './svid-files.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const CONTINUATION = 'urn:writ:params:oauth:token-type:continuation';

let world: TestPlane;
let svids: SvidFolder;
let orchestrator: SvidFiles;

before(async () => {
  world = await startTestPlane();
  svids = svidFolder(world);
  orchestrator = await svids.good('claude/orchestrator');
});

after(async () => {
  svids?.remove();
  await world?.close();
});

interface Answer {
  /** Exit code of curl; 0 when there was an answer at all. */
  readonly exit: number | null;
  /** 0 without an answer. */
  readonly status: number;
  readonly headers: string;
  readonly body: { readonly [member: string]: unknown };
}

async function curl(svid: SvidFiles | null, args: readonly string[]): Promise<Answer> {
  const shown = svid ? ['--cert', svid.cert, '--key', svid.key] : [];
  const said = await runProgram('curl', ['--silent', '--include', '--cacert', svids.bundle, ...shown, ...args]);
  const [headers = '', body = ''] = said.stdout.split('\r\n\r\n', 2);
  return {
    exit: said.status,
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(headers)?.[1] ?? 0),
    headers,
    body: body === '' ? {} : JSON.parse(body),
  };
}

const formOf = (fields: { readonly [name: string]: string }) =>
  Object.entries(fields).flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`]);

async function continuationOf(task: string): Promise<string> {
  const { status, body } = await curl(orchestrator, [`${world.mtls}/oauth/tasks/${task}/continuation`]);
  assert.equal(status, 200, JSON.stringify(body));
  return Object.values(body).find((value) => typeof value === 'string' && value.split('.').length === 3) as string;
}

async function tokenFor(scope: string): Promise<Answer> {
  const subject = await continuationOf(await world.task('claude/orchestrator'));
  return curl(orchestrator, [
    `${world.mtls}/oauth/token`,
    ...formOf({
      grant_type: EXCHANGE,
      client_id: 'spiffe://zylos.local/claude/orchestrator',
      subject_token: subject,
      subject_token_type: CONTINUATION,
      audience: `${world.mtls}/mcp/files`,
      scope,
    }),
  ]);
}

function toolCall(svid: SvidFiles, token: string | null, name: string, path: string): Promise<Answer> {
  const body = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name,
      arguments: { path },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'curl', version: '1' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  };
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': name,
    ...(token ? { authorization: `Bearer ${token}` } : {}),
  };
  const lines = Object.entries(headers).flatMap(([header, value]) => ['--header', `${header}: ${value}`]);
  return curl(svid, [`${world.mtls}/mcp/files`, ...lines, '--data', JSON.stringify(body)]);
}

test('continuation, token and tool: a whole call', async () => {
  const token = await tokenFor('files:read_text_file');
  assert.equal(token.status, 200, JSON.stringify(token.body));
  assert.match(token.headers, /^cache-control: no-store/im);
  const answer = await toolCall(
    orchestrator,
    String(token.body.access_token),
    'read_text_file',
    `${world.docs}/report.md`,
  );
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.match(JSON.stringify(answer.body.result), /Revenue grew by 4 %/);
});

test('a call without a token is told where to get one (RFC 9728)', async () => {
  const { status, headers } = await toolCall(orchestrator, null, 'read_text_file', world.docs);
  assert.equal(status, 401);
  const metadata = /resource_metadata="([^"]+)"/.exec(headers)?.[1];
  assert.ok(metadata?.startsWith(`${world.mtls}/`), headers);
  const { body } = await curl(orchestrator, [metadata!]);
  assert.deepEqual([body.resource, body.authorization_servers], [`${world.mtls}/mcp/files`, [world.issuer]]);
});

test('a token of somebody else’s is worth nothing over the own SVID', async () => {
  const token = await tokenFor('files:read_text_file');
  const thief = await svids.good('db/agent');
  const answer = await toolCall(thief, String(token.body.access_token), 'read_text_file', `${world.docs}/report.md`);
  assert.equal(answer.status, 401, JSON.stringify(answer.body));
  assert.match(JSON.stringify(answer.body), /token\.bound_to_other_peer/);
});

test('a scope that the task does not have is refused at the exchange', async () => {
  const { status, body } = await tokenFor('files:move_file');
  assert.equal(status, 400);
  assert.equal(body.error, 'invalid_scope');
});

test('no certificate, an expired one, one of elsewhere and TLS 1.2 get no answer at all', async () => {
  const url = `${world.mtls}/.well-known/oauth-protected-resource/mcp/files`;
  const attempts: readonly [string, SvidFiles | null, readonly string[]][] = [
    ['none', null, []],
    ['expired', await svids.expired('claude/orchestrator'), []],
    ['of another trust domain', await svids.foreign('claude/orchestrator'), []],
    ['forged', await svids.forged('claude/orchestrator'), []],
    ['good, over TLS 1.2', orchestrator, ['--tls-max', '1.2']],
  ];
  for (const [what, svid, more] of attempts) {
    const { exit, status } = await curl(svid, [...more, url]);
    assert.deepEqual([status, exit === 0], [0, false], `${what}: curl ended ${exit}, HTTP ${status}`);
  }
  assert.equal((await curl(orchestrator, [url])).status, 200, 'and with the good one the same address answers');
});
