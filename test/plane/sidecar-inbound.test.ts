// Agents that know HTTP and nothing of Writ, on both ends (contract §2): one program asks another through two sidecars, and the other goes
// on with what came along. Rules §2.4, §2.6.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { httpRequest, mtlsAgent } from '@writ/agent/node';
import { parseSpiffeId } from '@writ/core';
import { freePort } from '../free-port.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { openRuns, type Running, type Runs } from './sidecar.fixture.ts';

let world: TestPlane;
let runs: Runs;
let port: number;
let callee: Running;
let folder: string;
let socketPath: string;

/** An A2A agent in Python's own library. The text of a message says what to do, and with which headers of the request. */
const agent = `
import http.client, json, os, socket, socketserver, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse
gate = threading.Barrier(2)
def read(headers):
    at = urlparse(os.environ['WRIT_SIDECAR'])
    c = http.client.HTTPConnection(at.hostname, at.port, timeout=30)
    c.request('POST', '/mcp/files', json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'tools/call', 'params': {
        'name': 'read_text_file', 'arguments': {'path': os.environ['REPORT']}, '_meta': {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {}}}}),
        {'content-type': 'application/json', 'accept': 'application/json, text/event-stream', 'mcp-method': 'tools/call',
        'mcp-name': 'read_text_file', 'mcp-protocol-version': '2026-07-28', **headers})
    r = c.getresponse()
    return {'status': r.status, 'decision': r.getheader('writ-decision'), 'body': r.read().decode()}
class Agent(BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def stream(self, id):
        self.send_response(200)
        self.send_header('content-type', 'text/event-stream')
        self.end_headers()
        status = lambda state: {'taskId': 't', 'contextId': 'c', 'status': {'state': state}}
        for result in [{'task': {'id': 't', 'contextId': 'c', 'status': {'state': 'TASK_STATE_WORKING'}}},
            {'statusUpdate': status('TASK_STATE_COMPLETED')}]:
            self.wfile.write(('data: ' + json.dumps({'jsonrpc': '2.0', 'id': id, 'result': result}) + '\\n\\n').encode())
            self.wfile.flush()
            if 'task' in result: sys.stdin.readline()
        self.close_connection = True
    def do_GET(self):
        self.answer({'name': 'db', 'skills': [], 'capabilities': {}})
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers['content-length'])))
        text = asked['params']['message']['parts'][0]['text']
        seen = {name.lower(): value for name, value in self.headers.items()}
        if 'stream' in text: return self.stream(asked['id'])
        if 'together' in text: gate.wait(30)
        sent = {}
        if 'handle' in text: sent['Writ-Call'] = seen['writ-call']
        if 'trace' in text: sent['traceparent'] = seen['traceparent']
        told = {'headers': seen, 'asked': asked, 'read': read(sent) if 'read' in text else None}
        if 'together' in text: gate.wait(30)
        self.answer({'jsonrpc': '2.0', 'id': asked['id'], 'result': {'message': {'messageId': 'm', 'role': 'ROLE_AGENT',
            'parts': [{'data': told}]}}})
class UnixServer(ThreadingHTTPServer):
    address_family = socket.AF_UNIX
    def server_bind(self): socketserver.TCPServer.server_bind(self)
at = os.environ['AT']
server = ThreadingHTTPServer(('127.0.0.1', int(at)), Agent) if at.isdigit() else UnixServer(at, Agent)
print('listens', flush=True)
server.serve_forever()
`;

/** Asks with Python's own library: one message to `db/agent` for each text, at once. */
const caller = `
import http.client, json, os, sys, threading
from urllib.parse import urlparse
at = urlparse(os.environ['WRIT_SIDECAR'])
def ask(text):
    c = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
    streams = 'stream' in text
    c.request('POST', '/a2a/' + os.environ.get('CALLEE', 'db/agent'), json.dumps({'jsonrpc': '2.0', 'id': text,
        'method': 'SendStreamingMessage' if streams else 'SendMessage', 'params': {
        'message': {'messageId': text, 'role': 'ROLE_USER', 'parts': [{'text': text}]}}}),
        {'content-type': 'application/json', 'a2a-version': '1.0', 'writ-delegate': os.environ.get('DELEGATE', '')})
    r = c.getresponse()
    if streams:
        for line in r: print(line.decode().strip(), flush=True)
        return
    print(json.dumps({'status': r.status, 'decision': r.getheader('writ-decision'), 'body': json.loads(r.read())}) + '\\n', end='', flush=True)
threads = [threading.Thread(target=ask, args=[text]) for text in sys.argv[1:]]
for thread in threads: thread.start()
for thread in threads: thread.join()
`;

interface Read {
  readonly status: number;
  readonly decision: string;
  readonly body: string;
}

interface Told {
  readonly headers: { readonly [name: string]: string };
  readonly asked: unknown;
  readonly read: Read | null;
}

before(async () => {
  port = await freePort();
  folder = mkdtempSync(join(tmpdir(), 'writ-a2a-'));
  socketPath = join(folder, 'a.sock');
  world = await startTestPlane({
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, inputs: gated, calls: [db/agent, db/unix, files], scopes: ["files:read_text_file", "db/agent:send", "db/unix:send"], memory: task }
  db/agent: { attest: { launched: true }, inputs: gated, calls: [files], scopes: ["files:read_text_file"], memory: task, a2a: "http://127.0.0.1:${port}/" }
  db/unix: { attest: { launched: true }, inputs: gated, calls: [files], scopes: ["files:read_text_file"], memory: task, a2a: "unix:${socketPath}" }
servers:
  files: { mcp: { command: ["$NODE", "$FILES", "$DOCS"] }, manifest: "builtin:filesystem" }
users:
  howard: { roles: [admin, approver] }
allow:
  - { agent: claude/orchestrator, tool: files/read_text_file }
  - { agent: db/agent, tool: files/read_text_file }
  - { agent: db/unix, tool: files/read_text_file }
`,
  });
  runs = openRuns(world);
  callee = runs.run('db/agent', ['python3', '-c', agent], {
    env: { AT: String(port), REPORT: `${world.docs}/report.md` },
  });
  await callee.line(/listens/);
});

after(async () => {
  runs?.close();
  await callee?.ended;
  await world?.close();
  rmSync(folder, { recursive: true, force: true });
});

const delegate = 'files:read_text_file';

async function ask(texts: readonly string[], env: { readonly [name: string]: string } = {}) {
  const ran = runs.run('claude/orchestrator', ['python3', '-c', caller, ...texts], {
    options: ['--prompt', 'read the report'],
    env,
  });
  const { stdout, stderr } = await ran.ended;
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, texts.length, stderr);
  return lines.map((line) => {
    const { status, body, decision } = JSON.parse(line);
    assert.equal(status, 200, `${line} ${stderr} ${callee.said.stderr}`);
    return { told: body.result.message.parts[0].data as Told, decision: decision as string };
  });
}

const codeOf = ({ body }: Read) => (JSON.parse(body) as { code?: string }).code;

test('a message goes gateway → sidecar → program, which goes on as part of the call it serves', async () => {
  const [answer] = await ask(['read'], { DELEGATE: delegate });
  const { headers, asked, read } = answer!.told;
  assert.match(headers['writ-call']!, /^[\w-]{22}$/);
  assert.match(headers.traceparent!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  assert.equal(JSON.stringify(asked).includes('dev.writ'), false, 'no authority where it could end up in a history');
  assert.match(read!.body, /Revenue grew/);
  const decision = (await world.decision(read!.decision)) as unknown as {
    chain: { actor: unknown }[];
    sentence: string;
    checks: { transport: { listener: string } };
  };
  assert.match(decision.sentence, /howard, through claude\/orchestrator and db\/agent/);
  assert.equal(decision.checks.transport.listener, 'sidecar');
});

test('nothing goes along that was not delegated (rules §2.4)', async () => {
  const [answer] = await ask(['read']);
  assert.doesNotMatch(answer!.told.read!.body, /Revenue grew/);
});

test('two calls at once: each handle and each trace names its own, and without either it is ambiguous', async () => {
  const named = await ask(['together read handle', 'together read trace'], { DELEGATE: delegate });
  for (const { told } of named) assert.match(told.read!.body, /Revenue grew/);
  const unnamed = await ask(['together read', 'together read too'], { DELEGATE: delegate });
  assert.deepEqual(
    unnamed.map(({ told }) => [told.read!.status, codeOf(told.read!)]),
    [
      [403, 'token.ambiguous'],
      [403, 'token.ambiguous'],
    ],
  );
});

test('a program on a Unix socket is reached in the same way', async () => {
  const ran = runs.run('db/unix', ['python3', '-c', agent], {
    env: { AT: socketPath, REPORT: `${world.docs}/report.md` },
  });
  await ran.line(/listens/);
  const [answer] = await ask(['read'], { DELEGATE: delegate, CALLEE: 'db/unix' });
  assert.match(answer!.told.read!.body, /Revenue grew/);
  ran.process.kill('SIGTERM');
  assert.equal((await ran.ended).code, 128 + 15);
});

test('a stream passes two sidecars event by event', async () => {
  const ran = runs.run('claude/orchestrator', ['python3', '-c', caller, 'stream'], {
    options: ['--prompt', 'read the report'],
  });
  await ran.line(/TASK_STATE_WORKING/);
  assert.doesNotMatch(ran.said.stdout, /COMPLETED/);
  callee.process.stdin!.write('go on\n');
  await ran.line(/TASK_STATE_COMPLETED/);
  assert.equal((await ran.ended).code, 0);
});

/** Ports where a process listens, from the kernel. */
function portsOf(pid: number): readonly number[] {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });
  const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1);
  return rows.flatMap((row) => {
    const [, local = '', , state, , , , , , inode] = row.trim().split(/\s+/);
    return state === '0A' && links.includes(`socket:[${inode}]`) ? [Number.parseInt(local.split(':')[1]!, 16)] : [];
  });
}

test('the gateway alone is let in: an agent with an SVID of the same plane is not, and hears nothing', async () => {
  const other = await world.agent('claude/orchestrator');
  const expect = parseSpiffeId('spiffe://zylos.local/db/agent')!;
  const dial = mtlsAgent({ svid: () => other.svid(), expect });
  const answers = await Promise.all(
    portsOf(callee.process.pid!).map((at) =>
      httpRequest(dial, { url: `https://127.0.0.1:${at}/`, body: '{}' }).then(
        () => 'answered',
        (error: Error) => error.message,
      ),
    ),
  );
  // One is the plain side, one is this; the first speaks no TLS.
  assert.equal(answers.length, 2);
  assert.deepEqual(
    answers.filter((answer) => answer === 'answered'),
    [],
  );
  assert.equal(answers.filter((answer) => /hung up without an answer/.test(answer)).length, 1, answers.join('; '));
  dial.destroy();
});

test('the card leads through the caller’s own sidecar', async () => {
  const ran = runs.run('claude/orchestrator', [
    'sh',
    '-c',
    'echo $WRIT_SIDECAR; curl -sS $WRIT_SIDECAR/a2a/db/agent/.well-known/agent-card.json',
  ]);
  const { stdout } = await ran.ended;
  const at = stdout.indexOf('\n');
  const [url, card] = [stdout.slice(0, at), JSON.parse(stdout.slice(at))];
  assert.equal(card.supportedInterfaces[0].url, `${url}/a2a/db/agent`);
  assert.equal(card.securitySchemes, undefined);
});

test('a process that takes the program’s address gets no message: it is not of the tree', async () => {
  callee.process.kill('SIGTERM');
  await callee.ended;
  const idle = runs.run('db/agent', ['sh', '-c', 'echo up; read line']);
  await idle.line(/up/);
  const heard: string[] = [];
  const squatter = createServer((req, res) => {
    heard.push(String(req.url));
    res.end('{}');
  });
  await new Promise<void>((done) => squatter.listen(port, '127.0.0.1', done));
  const ran = runs.run('claude/orchestrator', ['python3', '-c', caller, 'hello'], {
    options: ['--prompt', 'read the report'],
  });
  const { stdout } = await ran.ended;
  assert.notEqual(JSON.parse(stdout).status, 200);
  assert.deepEqual(heard, []);
  idle.process.stdin!.end();
  const { stderr } = await idle.ended;
  assert.match(stderr, /nothing of this program listens/);
  squatter.close();
});
