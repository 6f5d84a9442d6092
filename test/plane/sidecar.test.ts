// The sidecar of `writ run` (contract §2, rules §1.2, §2.8): programs that know HTTP and nothing of Writ, through a whole plane.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { openRuns, type Runs } from './sidecar.fixture.ts';

let world: TestPlane;
let runs: Runs;

before(async () => {
  world = await startTestPlane();
  runs = openRuns(world);
});

after(async () => {
  runs?.close();
  await world?.close();
});

/** One tool call with nothing but Python's own library. */
const python = `
import http.client, json, os, sys
from urllib.parse import urlparse
def call(tool, args, extra={}, base=os.environ['WRIT_SIDECAR'], host=None):
    at = urlparse(base)
    c = http.client.HTTPConnection(at.hostname, at.port, timeout=30)
    body = json.dumps({'jsonrpc': '2.0', 'id': 7, 'method': 'tools/call', 'params': {'name': tool, 'arguments': args, '_meta': {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {}}}})
    c.putrequest('POST', '/mcp/files', skip_host=host is not None)
    if host is not None: c.putheader('Host', host)
    for name, value in {'content-type': 'application/json', 'accept': 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': tool,
        'content-length': str(len(body)), **extra}.items(): c.putheader(name, value)
    c.endheaders(body.encode())
    r = c.getresponse()
    print(json.dumps({'status': r.status, 'decision': r.getheader('writ-decision'), 'challenge': r.getheader('www-authenticate'),
        'type': r.getheader('content-type'), 'body': r.read().decode()}), flush=True)
`;

interface Heard {
  readonly status: number;
  readonly decision: string;
  readonly challenge: string | null;
  readonly type: string;
  readonly body: string;
}

/** What these tests read of contract §6. */
interface Recorded {
  readonly outcome: string;
  readonly code: string | null;
  readonly task: string;
  readonly principal: { readonly kind: string; readonly id: string };
  readonly checks: { readonly transport: { readonly peer: string; readonly listener: string } };
  readonly chain: readonly { readonly scopes: readonly string[] }[];
}

const heard = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Heard);
const messageOf = (text: string) =>
  JSON.parse(text.startsWith('{') ? text : /^data: (.*)$/m.exec(text)![1]!) as {
    result?: { content: { text: string }[] };
    error?: { code: number; data: { code: string } };
  };
const report = () => `${world.docs}/report.md`;
const script = (lines: string) => ['python3', '-c', python + lines];

test('a Python script calls a tool by plain HTTP, with a task of the person who started it', async () => {
  const ran = runs.run(
    'claude/orchestrator',
    script(
      `call('read_text_file', {'path': ${JSON.stringify(report())}})\nprint(os.environ['WRIT_TASK'])\nsys.exit(3)`,
    ),
    { options: ['--prompt', 'read the report'] },
  );
  const { code, stdout, stderr } = await ran.ended;
  const [line = '', task = ''] = stdout.trim().split('\n');
  assert.equal(code, 3, stderr);
  const answer = JSON.parse(line) as Heard;
  assert.equal(answer.status, 200, answer.body);
  assert.match(messageOf(answer.body).result!.content[0]!.text, /Revenue grew/);
  const decision = (await world.decision(answer.decision)) as unknown as Recorded;
  assert.equal(decision.outcome, 'allow');
  assert.equal(decision.task, task);
  assert.deepEqual([decision.principal.kind, decision.principal.id], ['user', 'howard']);
  const { peer, listener } = decision.checks.transport;
  assert.deepEqual([peer, listener], ['spiffe://zylos.local/claude/orchestrator', 'sidecar']);
  // Least privilege per call: the token was for this tool alone.
  assert.deepEqual(decision.chain.at(-1)!.scopes, ['files:read_text_file']);
});

test('curl does as well, and the task ends with the program', async () => {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/list',
    params: {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  });
  const headers = ['content-type: application/json', 'accept: application/json, text/event-stream']
    .concat(['mcp-protocol-version: 2026-07-28', 'mcp-method: tools/list'])
    .map((header) => `-H '${header}'`)
    .join(' ');
  const ran = runs.run(
    'claude/orchestrator',
    ['sh', '-c', `echo $WRIT_TASK; curl -sS ${headers} --data-binary "$BODY" $WRIT_SIDECAR/mcp/files`],
    { env: { BODY: body } },
  );
  const { code, stdout, stderr } = await ran.ended;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /read_text_file/);
  const [task] = stdout.split('\n');
  const again = await world.person(`/tasks/${task}`, { method: 'DELETE' });
  assert.notEqual(again.status, 200, 'it was over already');
});

test('whoever is not of the tree gets nothing, same uid or not, before and after the program (rules §1.2)', async () => {
  const ran = runs.run('claude/orchestrator', ['sh', '-c', 'echo at $WRIT_SIDECAR; read line']);
  const [, url] = await ran.line(/^at (\S+)$/m);
  const answer = await fetch(`${url}/mcp/files`, { method: 'POST', body: '{}' });
  assert.equal(answer.status, 403);
  assert.equal(((await answer.json()) as { code: string }).code, 'transport.peer_not_attested');
  // The sidecar of another launch: attested as somebody, but not of this tree.
  const other = runs.run(
    'db/agent',
    script(`call('read_text_file', {'path': ${JSON.stringify(report())}}, base=${JSON.stringify(url)})`),
  );
  const [told] = heard((await other.ended).stdout);
  assert.equal(told!.status, 403);
  assert.equal(JSON.parse(told!.body).code, 'transport.peer_not_attested');
  ran.process.stdin!.end();
  const { stderr } = await ran.ended;
  assert.match(stderr, /from a process that is not of the agent/);
});

test('a grandchild whose parents are gone is still of the tree', async () => {
  const inner = 'sleep 0.2; curl -sS -o /dev/null -w "%{http_code} done" $WRIT_SIDECAR/nowhere';
  const ran = runs.run('claude/orchestrator', ['sh', '-c', '(setsid sh -c "$INNER" &); read line'], {
    env: { INNER: inner },
  });
  // 404: it was let in, and there is no such path.
  await ran.line(/^404 done/m);
  ran.process.stdin!.end();
  await ran.ended;
});

test('a credential of the program’s own is one too many, a forged Host or a proxy request is misdirected (rules §2.8)', async () => {
  const path = JSON.stringify(report());
  const ran = runs.run(
    'claude/orchestrator',
    script(`
at = urlparse(os.environ['WRIT_SIDECAR'])
call('read_text_file', {'path': ${path}}, {'authorization': 'Bearer stolen'})
call('read_text_file', {'path': ${path}}, {'dpop': 'x'})
call('read_text_file', {'path': ${path}}, host='evil.example:%d' % at.port)
call('read_text_file', {'path': ${path}}, {'origin': 'https://evil.example'})
call('write_file', {'path': ${path}, 'content': 'x'})
call('read_text_file', {'path': ${path}}, {'writ-call': 'made-up'})
call('read_text_file', {'path': ${path}}, {'writ-context': 'forged'})
call('read_text_file', {'path': ${path}})
`),
    { options: ['--prompt', 'read the report'] },
  );
  const { stdout, stderr } = await ran.ended;
  const answers = heard(stdout);
  const codeOf = ({ body }: Heard) => {
    const value = JSON.parse(body.startsWith('{') ? body : /^data: (.*)$/m.exec(body)![1]!);
    return value.code ?? value.error?.data?.code ?? null;
  };
  assert.deepEqual(
    answers.map((answer) => [answer.status, codeOf(answer)]),
    [
      [403, 'token.ambiguous'],
      [403, 'token.ambiguous'],
      [421, 'gateway.misdirected'],
      [421, 'gateway.misdirected'],
      [200, 'action.policy_forbids'],
      [403, 'token.missing'],
      [200, null],
      [200, null],
    ],
    stderr,
  );
  assert.deepEqual(
    answers.map(({ challenge }) => challenge),
    answers.map(() => null),
    'never an invitation to sign in',
  );
  // What was refused for its credentials stands in the log like any other call.
  const refused = (await world.decision(answers[0]!.decision)) as unknown as Recorded;
  assert.deepEqual([refused.outcome, refused.code], ['deny', 'token.ambiguous']);
});

test('without a task calls are refused and stderr says how to proceed', async () => {
  const ran = runs.run('claude/orchestrator', script(`call('read_text_file', {'path': ${JSON.stringify(report())}})`), {
    options: ['--task', 'tsk_none'],
  });
  const { stdout, stderr } = await ran.ended;
  const [answer] = heard(stdout);
  assert.equal(answer!.status, 403);
  assert.equal(JSON.parse(answer!.body).code, 'token.missing');
  assert.match(stderr, /task tsk_none cannot be worked on/);
});

test('a task that was opened elsewhere is worked on with --task, and left open', async () => {
  const task = await world.task('claude/orchestrator');
  const ran = runs.run('claude/orchestrator', script(`call('read_text_file', {'path': ${JSON.stringify(report())}})`), {
    options: ['--task', task],
  });
  const [answer] = heard((await ran.ended).stdout);
  assert.equal(answer!.status, 200);
  assert.equal(((await world.decision(answer!.decision)) as unknown as Recorded).task, task);
  assert.ok((await world.person(`/tasks/${task}`, { method: 'DELETE' })).ok);
});
