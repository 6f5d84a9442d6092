import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Loaded, loadConfig, parseConfig } from './load.ts';
import { head, problemsOf } from './table.fixture.ts';

function configOf(loaded: Loaded) {
  assert.ok('config' in loaded, JSON.stringify('problems' in loaded ? loaded.problems : null, null, 2));
  return loaded.config;
}

describe('text that is no configuration', () => {
  const read = (text: string) => {
    const loaded = parseConfig(text, 'writ.yaml');
    return 'problems' in loaded ? loaded.problems.map(({ line, column, says }) => `${line}:${column} ${says}`) : [];
  };
  const table: [title: string, text: string, expected: RegExp][] = [
    ['nothing at all', '', /^1:1 the file is empty/],
    ['a list', '- a', /^1:1 a list does not fit here/],
    ['tabs for indentation', 'version: 1\nlisten:\n\tmtls: x', /^3:1 .*tabs/i],
    ['a tag of another language', 'version: !!js/function x', /^1:10 .*tag/i],
    ['two documents', 'version: 1\n---\nversion: 1', /^2:1 /],
    ['a key that JavaScript would lose', 'version: 1\n__proto__: { trustDomain: x }', /^2:1 `__proto__`/],
    ['such a key further down', `${head}agents:\n  __proto__: {}`, /^4:3 `__proto__`/],
    ['an alias inside its own anchor', 'a: &a [*a]', /^1:\d+ `\*a` cannot be resolved/],
    ['an alias to nothing', 'a: *b', /^1:\d+ .*/],
  ];
  for (const [title, text, expected] of table) {
    test(title, () => {
      const [first = ''] = read(text);
      assert.match(first, expected);
    });
  }

  test('aliases that multiply are refused before they are followed', () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(', ')}]`,
    );
    const [first = ''] = read(`l0: &l0 x\n${levels.join('\n')}`);
    assert.match(first, /too many aliases/);
  });

  test('every problem is told at once, in file order', () => {
    const problems = read('version: 2\ntrustDomain: X\nlisten: { mtls: a }\ntasks: { ttl: b }');
    assert.deepEqual(
      problems.map((one) => one.split(':')[0]),
      ['1', '2', '3', '4'],
    );
  });

  test('what may be a secret is not repeated', () => {
    const [problem] = problemsOf('store: { url: "mysql://u:hunter2@db/x" }');
    assert.ok(problem);
    assert.doesNotMatch(JSON.stringify(problem), /hunter2/);
  });

  test('control characters of a value do not reach the terminal', () => {
    const [problem] = problemsOf('mode: "a\\e[2Jb"');
    assert.equal(problem?.says, '`a?[2Jb` does not fit here');
  });
});

describe('a file on disk', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-config-'));
  });
  after(() => rm(folder, { recursive: true }));

  const one = (loaded: Loaded) => ('problems' in loaded ? loaded.problems[0] : undefined);

  test('that is missing, a folder, not UTF-8 or too large gets one sentence', async () => {
    await writeFile(join(folder, 'latin.yaml'), Uint8Array.of(0x61, 0x3a, 0x20, 0xe9));
    await writeFile(join(folder, 'large.yaml'), '#'.repeat(1024 * 1024 + 1));
    assert.match(one(loadConfig(join(folder, 'none.yaml')))!.expected, /writ init/);
    assert.match(one(loadConfig(folder))!.says, /folder/);
    assert.match(one(loadConfig(join(folder, 'latin.yaml')))!.says, /UTF-8/);
    assert.match(one(loadConfig(join(folder, 'large.yaml')))!.says, /1 MiB/);
  });

  test('means its own folder by a relative path', async () => {
    await writeFile(join(folder, 'h.hash'), 'x');
    const text = `${head}data: ./d\nusers: { h: { passwordFile: h.hash } }\nagents: { a/b: { a2a: "unix:./a.sock" } }\n`;
    await writeFile(join(folder, 'writ.yaml'), text);
    const config = configOf(loadConfig(join(folder, 'writ.yaml')));
    assert.equal(config.dataDir, join(folder, 'd'));
    assert.equal(config.users.get('h')?.passwordFile, join(folder, 'h.hash'));
    assert.equal(config.agents.get('a/b')?.a2a, `unix:${join(folder, 'a.sock')}`);
    assert.equal(config.file, join(folder, 'writ.yaml'));
  });
});

test('what is not said holds by default, on loopback', () => {
  const config = configOf(parseConfig(head, '/etc/writ/writ.yaml'));
  assert.deepEqual(config.listen, {
    mtls: { host: '127.0.0.1', port: 8443 },
    oauth: { host: '127.0.0.1', port: 8480 },
    admin: { host: '127.0.0.1', port: 8420 },
    issuer: null,
  });
  assert.equal(config.dataDir, '/etc/writ/writ-data');
  assert.deepEqual(config.tasks, { depth: 3, ttlSeconds: 3600, scopeFromPrompt: false, bindArguments: true });
  assert.deepEqual(config.mode, { kind: 'enforce', until: null });
  assert.equal(config.store.url, null);
  assert.equal(config.agents.size, 0);
});

test('an agent says nothing and gets nothing', () => {
  const config = configOf(parseConfig(`${head}agents: { a/b: {} }`, 'writ.yaml'));
  assert.deepEqual(config.agents.get('a/b'), {
    attest: null,
    jwks: null,
    calls: [],
    scopes: [],
    inputs: 'open',
    memory: null,
    a2a: null,
    run: false,
    registersPrompts: false,
    ttlSeconds: null,
    pep: [],
  });
});

test('allow lines keep their order, and their constraints become core’s', () => {
  const text = `${head}agents: { a/b: {} }
servers: { s: { mcp: { command: [x] } } }
allow:
  - { agent: a/b, tool: s/one }
  - { agent: a/b, tool: s/part/two, where: { /p: { subpath: /srv }, /n: { range: { max: 10.50 } }, /t: { oneOf: [1, x] } } }
`;
  const [first, second] = configOf(parseConfig(text, 'writ.yaml')).allow;
  assert.equal(first?.tool, 'one');
  assert.equal(second?.server, 's');
  assert.equal(second?.tool, 'part/two');
  assert.deepEqual(
    [...second!.where],
    [
      ['/p', { subpath: { root: '/srv', separator: '/' } }],
      ['/n', { range: { max: '10.5' } }],
      ['/t', { oneOf: [1, 'x'] }],
    ],
  );
});

test('decision points are asked with little and not for long unless somebody says otherwise', () => {
  const text = `${head}pdp:
  corporate: { opa: "https://opa.example/v1/data/writ/allow", sends: [/path], credential: { env: OPA }, ca: ${import.meta.filename} }
  edge: { authzen: "http://127.0.0.1:9/access/v1/evaluation" }
  here: { bundle: ${import.meta.filename}, rule: writ/allow }
`;
  const { pdp } = configOf(parseConfig(text, '/etc/writ/writ.yaml'));
  assert.deepEqual(Object.fromEntries(pdp), {
    corporate: {
      kind: 'opa',
      url: 'https://opa.example/v1/data/writ/allow',
      sends: ['/path'],
      timeoutMillis: 500,
      credential: { kind: 'env', name: 'OPA' },
      caFile: import.meta.filename,
    },
    edge: {
      kind: 'authzen',
      url: 'http://127.0.0.1:9/access/v1/evaluation',
      sends: [],
      timeoutMillis: 500,
      credential: null,
      caFile: null,
    },
    here: { kind: 'bundle', path: import.meta.filename, rule: 'writ/allow' },
  });
});

test('the place of a key can be asked for later', () => {
  const loaded = parseConfig(`${head}agents:\n  a/b:\n    calls: [a/b]\n`, 'writ.yaml');
  assert.ok('locate' in loaded);
  assert.deepEqual(loaded.locate(['agents', 'a/b', 'calls', 0]), { file: 'writ.yaml', line: 5, column: 13 });
});
