import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseConfig } from '../config/load.ts';
import { configFindings } from './doctor-config.ts';
import { diskFindings, judgeFlush } from './doctor-disk.ts';
import { clockFinding, folderFindings, kernelFinding, portFindings } from './doctor-machine.ts';
import { systemFault } from './ground.ts';
import { run } from './plane.fixture.ts';

function configOf(text: string, file = 'writ.yaml') {
  const loaded = parseConfig(`version: 1\ntrustDomain: zylos.local\n${text}`, file, { planeUid: 1000 });
  assert.ok('config' in loaded, JSON.stringify(loaded));
  return loaded.config;
}

const states = (p50Millis: number) => judgeFlush({ p50Millis, p99Millis: p50Millis * 2 }, '/d').state;

describe('the machine', () => {
  test('a disk is fine, slow, or too fast to be one', () => {
    assert.deepEqual([0.001, 0.15, 4, 25].map(states), ['warn', 'ok', 'ok', 'warn']);
    assert.match(judgeFlush({ p50Millis: 0.15, p99Millis: 3 }, '/d').says, /0\.150 ms \(p50\) and 3\.0 ms \(p99\)/);
  });

  test('a kernel before 6.5 leaves a gap', () => {
    assert.deepEqual(
      ['6.5.0', '6.18.44-x', '7.0', '6.4.9', '5.15.0-91'].map((text) => kernelFinding(text).state),
      ['ok', 'ok', 'ok', 'warn', 'warn'],
    );
  });

  test('a clock before this program was written is wrong', () => {
    assert.equal(clockFinding(Date.parse('1970-01-01T00:01:00Z'), true).state, 'fail');
    assert.equal(clockFinding(Date.parse('2026-11-24T12:00:00Z'), true).state, 'ok');
    assert.equal(clockFinding(Date.parse('2026-11-24T12:00:00Z'), false).state, 'warn');
  });

  test('other systems are told what runs there', () => {
    assert.equal(systemFault('linux', 'arm64', '24.0.0'), null);
    assert.match(systemFault('darwin', 'arm64', '24.0.0')!, /Linux x64 or arm64.*`validate`/);
    assert.match(systemFault('linux', 'x64', '22.1.0')!, /Node 22\.1\.0 .* Node 24/);
  });
});

describe('the folder', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-doctor-'));
    await writeFile(join(folder, 'writ.yaml'), '');
    chmodSync(join(folder, 'writ.yaml'), 0o644);
  });
  after(() => rm(folder, { recursive: true }));
  const config = () => configOf('', join(folder, 'writ.yaml'));

  test('is measured and left as it was', async () => {
    const [disk, clock] = await diskFindings(join(folder, 'not/yet'));
    assert.match(disk!.says, /a flushed write takes [\d.]+ ms/);
    assert.equal(clock?.state, 'ok');
    assert.deepEqual(readdirSync(folder), ['writ.yaml']);
  });

  test('whose keys others can read is not in order', () => {
    const dataDir = join(folder, 'data');
    mkdirSync(join(dataDir, 'keys'), { recursive: true, mode: 0o700 });
    writeFileSync(join(dataDir, 'keys', 'ca.key'), 'x', { mode: 0o600 });
    assert.deepEqual(
      folderFindings(dataDir, config()).map(({ state }) => state),
      ['ok'],
    );
    chmodSync(join(dataDir, 'keys', 'ca.key'), 0o640);
    const [finding] = folderFindings(dataDir, config());
    assert.deepEqual([finding?.state, finding?.fix], ['fail', `chmod 600 '${join(dataDir, 'keys', 'ca.key')}'`]);
  });

  test('and a file that others can change is not either', () => {
    chmodSync(join(folder, 'writ.yaml'), 0o666);
    const found = folderFindings(join(folder, 'not-yet'), config());
    assert.ok(found.some(({ state, check }) => state === 'fail' && check === 'configuration'));
    chmodSync(join(folder, 'writ.yaml'), 0o644);
  });

  test('the whole of it answers as JSON and ends 0 or 1 by what it found', async () => {
    const { exitCode, stdout } = await run(['doctor', '--config', join(folder, 'none.yaml'), '--json']);
    const { ok, findings } = JSON.parse(stdout);
    assert.equal(ok, false);
    assert.equal(exitCode, 1);
    assert.ok(
      findings.some(
        (one: { check: string; says: string }) => one.check === 'configuration' && /no such file/.test(one.says),
      ),
    );
  });
});

test('a port that another process holds is named', async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  const { port } = other.address() as { port: number };
  try {
    const listen = `listen: { mtls: "127.0.0.1:${port}", oauth: "127.0.0.1:0", admin: "127.0.0.1:0" }`;
    const [finding] = await portFindings(configOf(listen), null);
    assert.equal(finding?.state, 'fail');
    assert.match(finding.says, new RegExp(`127.0.0.1:${port}.*mtls.*taken`));
    assert.equal((await portFindings(configOf(listen), process.pid))[0]?.state, 'ok');
  } finally {
    await new Promise((done) => other.close(done));
  }
});

describe('a configuration in order', () => {
  const says = (text: string) => configFindings(configOf(text), {}).map((finding) => finding.says);

  test('may still have ways around the plane', () => {
    const found = says('servers: { mail: { mcp: { url: "http://127.0.0.1:9" } }, files: { mcp: { command: [x] } } }');
    assert.equal(found.length, 1);
    assert.match(found[0]!, /can call `mail` without Writ/);
  });

  test('may have agents that look into each other', () => {
    const text =
      'agents:\n  a/b: { attest: { launched: true, uid: 7 }, memory: task }\n  a/c: { attest: { launched: true, uid: 7 }, memory: task }\n';
    assert.deepEqual(
      says(text).map((one) => /`a\/b`, `a\/c` share uid 7/.test(one)),
      [true],
    );
  });

  test('may allow what can never be', () => {
    const text =
      'agents: { a/b: { memory: task, calls: [s], scopes: ["s:one"] } }\nservers: { s: { mcp: { command: [x] } }, t: { mcp: { command: [x] } } }\nallow:\n';
    const lines = ['s/one', 's/two', 's/*', 't/one'].map((tool) => `  - { agent: a/b, tool: "${tool}" }\n`).join('');
    const found = says(text + lines);
    assert.equal(found.length, 2);
    assert.match(found[0]!, /line 2 .* needs a scope/);
    assert.match(found[1]!, /line 4 .* no edge/);
  });

  test('may lack its secrets', () => {
    const text =
      'servers: { s: { mcp: { command: [x], env: { A: { env: SECRET_A }, B: plain } }, credential: { env: SECRET_B } } }';
    assert.deepEqual(
      says(text).map((one) => /`(SECRET_.)`/.exec(one)?.[1]),
      ['SECRET_B', 'SECRET_A'],
    );
    assert.deepEqual(configFindings(configOf(text), { SECRET_A: 'x', SECRET_B: 'y' }), []);
  });
});
