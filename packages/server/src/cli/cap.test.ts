// `writ cap` as a person uses it: files in, one word out, and the exit code says the rest (contract §2).

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cap } from '@writ/core';
import { shortChain, tokenFor, worldWith } from '../../../core/src/decision/world.fixture.ts';
import { run } from './plane.fixture.ts';

let folder: string;
const at = (name: string) => join(folder, name);
const ids = new Map<string, string>();
const id = (name: string) => ids.get(name)!;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'writ-cap-'));
  for (const name of ['root', 'b', 'c', 'thief']) {
    const made = await run(['cap', 'mint', '--new-key', at(`${name}.key`), '--tool', 'x', '--json']);
    assert.equal(made.exitCode, 0, made.stderr);
    ids.set(name, JSON.parse(made.stdout).chain[0].actor);
    assert.equal(statSync(at(`${name}.key`)).mode & 0o777, 0o600);
  }
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs to success and keeps the token under a name. */
async function make(file: string, ...words: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(['cap', ...words]);
  assert.equal(exitCode, 0, stderr);
  writeFileSync(at(file), stdout);
  return stdout.trim();
}

async function verified(file: string, tool: string, ...words: readonly string[]) {
  const { exitCode, stdout, stderr } = await run([
    'cap',
    'verify',
    '--root',
    id('root'),
    '--tool',
    tool,
    '--json',
    ...words,
    at(file),
  ]);
  return { exitCode, stderr, ...JSON.parse(stdout) };
}

const key = (name: string) => ['--key', at(`${name}.key`)];
const db = ['--tool', 'db:read', '--tool', 'db:write', '--tool', 'email:send'];

for (const encoding of ['aip-chained', 'aip-jwt-chain'] as const) {
  describe(`A mints, B narrows, C narrows again: ${encoding}`, () => {
    before(async () => {
      await make(
        'a.cap',
        'mint',
        '--encoding',
        encoding,
        ...key('root'),
        '--holder',
        id('b'),
        ...db,
        '--budget-cents',
        '500',
      );
      await make('b.cap', 'attenuate', at('a.cap'), ...key('b'), '--to', id('c'), '--tool', 'db:read', '--ttl', '5m');
    });

    test('C reads and nothing else, and the answer says who gave what', async () => {
      const good = await verified('b.cap', 'db:read', '--peer', id('c'), '--signed');
      assert.deepEqual(
        [good.exitCode, good.valid, good.code, good.aip, good.step, good.block],
        [0, true, null, null, null, null],
      );
      assert.deepEqual([good.encoding, good.delegatorsAuthenticated, good.holder], [encoding, true, id('c')]);
      assert.equal(
        good.rootKey,
        `ed25519:${Buffer.from((cap.parseAipId(id('root')) as { key: Uint8Array }).key).toString('hex')}`,
      );
      assert.deepEqual(good.scopes, ['db:read']);
      assert.deepEqual(
        good.chain.map((row: { actor: string }) => row.actor),
        [id('root'), id('b'), id('c')],
      );
      assert.deepEqual(good.chain[2].removed.toSorted(), ['db:write', 'email:send']);
      assert.deepEqual(good.budget, [{ unit: 'USD cents', max: 500 }]);
      assert.match(good.expires, /^\d{4}-.*Z$/);
      assert.equal(good.revocationIds.length, encoding === 'aip-chained' ? 3 : 2);
      for (const tool of ['db:write', 'email:send', 'db:re', '*']) {
        const bad = await verified('b.cap', tool);
        assert.deepEqual(
          [bad.exitCode, bad.valid, bad.code, bad.aip, bad.step],
          [1, false, 'token.scope_insufficient', 'aip_scope_insufficient', 'V6'],
          tool,
        );
      }
    });

    test('C cannot regain db:write, neither by asking nor by forging', async () => {
      const asked = await run([
        'cap',
        'attenuate',
        at('b.cap'),
        ...key('c'),
        '--to',
        id('thief'),
        '--tool',
        'db:write',
      ]);
      assert.equal(asked.exitCode, 1);
      assert.match(asked.stderr, /token\.scope_widened/);
      const stolen = await run([
        'cap',
        'attenuate',
        at('a.cap'),
        ...key('c'),
        '--to',
        id('thief'),
        '--tool',
        'db:write',
      ]);
      assert.equal(stolen.exitCode, 1, 'C holds A’s token too, and not B’s key');
      assert.match(stolen.stderr, /token\.delegator_unauthenticated/);
    });

    test('somebody else, another root and another time are told by their codes', async () => {
      const codes: [code: string, aip: string, words: string[]][] = [
        ['token.bound_to_other_peer', 'aip_token_malformed', ['--peer', id('thief')]],
        ['token.expired', 'aip_token_expired', ['--at', '2099-01-01T00:00:00Z']],
        ['token.restriction_unknown', 'aip_token_malformed', ['--profile', 'simple']],
      ];
      for (const [code, aip, words] of codes.slice(0, 2)) {
        const bad = await verified('b.cap', 'db:read', ...words);
        assert.deepEqual([bad.exitCode, bad.code, bad.aip], [1, code, aip]);
      }
      const { exitCode, stdout } = await run([
        'cap',
        'verify',
        '--root',
        id('thief'),
        '--tool',
        'db:read',
        '--json',
        at('b.cap'),
      ]);
      assert.deepEqual(
        [exitCode, JSON.parse(stdout).code, JSON.parse(stdout).step],
        [1, 'token.signature_invalid', 'V1'],
      );
    });

    test('inspect needs no key, and says that it checked nothing', async () => {
      const { stdout } = await run(['cap', 'inspect', at('b.cap')]);
      assert.match(stdout, /^UNVERIFIED/);
      assert.match(stdout, /lost +db:write, email:send/);
      const json = await run(['cap', 'inspect', '--json', at('b.cap')]);
      assert.deepEqual([JSON.parse(json.stdout).verified, JSON.parse(json.stdout).holder], [false, id('c')]);
    });
  });
}

test('a hand-over without a signature is told, and refused where signatures are asked for', async () => {
  await make('plain.cap', 'mint', ...key('root'), '--tool', 'search');
  await make('stolen.cap', 'attenuate', at('plain.cap'), '--unsigned', '--to', id('thief'), '--tool', 'search');
  const told = await verified('stolen.cap', 'search');
  assert.deepEqual([told.exitCode, told.delegatorsAuthenticated], [0, false]);
  assert.match(told.stderr, /not signed by its delegator/);
  const refused = await verified('stolen.cap', 'search', '--signed');
  assert.deepEqual([refused.exitCode, refused.code], [1, 'token.delegator_unauthenticated']);
});

test('a sealed token is used and never handed on', async () => {
  await make('open.cap', 'mint', ...key('root'), '--tool', 'search', '--tool', 'mail');
  await make('sealed.cap', 'attenuate', at('open.cap'), ...key('root'), '--to', id('b'), '--tool', 'search', '--seal');
  assert.equal((await verified('sealed.cap', 'search', '--signed')).exitCode, 0);
  const further = await run(['cap', 'attenuate', at('sealed.cap'), ...key('b'), '--to', id('c'), '--tool', 'search']);
  assert.deepEqual([further.exitCode, further.stdout], [1, '']);
  assert.match(further.stderr, /sealed/);
});

test('arguments are held to what the capability says', async () => {
  await make('refund.cap', 'mint', ...key('root'), '--tool', 'refunds/create', '--max-amount', '50');
  const good = await verified('refund.cap', 'refunds/create', '--args', '{"amount":50}');
  assert.deepEqual([good.exitCode, good.constraints[0].arguments], [0, { '/amount': { range: { max: '50' } } }]);
  for (const args of ['{"amount":50.01}', '{"amount":"50"}', '{}', '{"amount":1,"to":"eve"}']) {
    const bad = await verified('refund.cap', 'refunds/create', '--args', args);
    assert.deepEqual([bad.exitCode, bad.code], [1, 'token.constraint_violated'], args);
  }
});

test('compact is converted to a chain and back with the same answers, and what does not fit is refused (rules §2.13)', async () => {
  await make(
    'compact.cap',
    'mint',
    '--encoding',
    'aip-compact',
    ...key('root'),
    '--holder',
    id('b'),
    '--tool',
    'search',
    '--depth',
    '1',
  );
  for (const to of ['aip-chained', 'aip-jwt-chain', 'aip-compact']) {
    await make('converted.cap', 'convert', '--to', to, ...key('root'), at('compact.cap'));
    const good = await verified('converted.cap', 'search', '--peer', id('b'));
    assert.deepEqual([good.exitCode, good.encoding, good.scopes], [0, to, ['tool:search']]);
  }
  await make('bound.cap', 'mint', ...key('root'), '--holder', id('b'), '--tool', 'search', '--task', 'tsk_1');
  for (const [file, to] of [
    ['bound.cap', 'aip-compact'],
    ['compact.cap', 'jwt'],
    ['compact.cap', 'macaroon'],
  ] as const) {
    const { exitCode, stderr, stdout } = await run(['cap', 'convert', '--to', to, ...key('root'), at(file)]);
    assert.deepEqual([exitCode, stdout], [1, '']);
    assert.match(stderr, /token\.not_expressible/);
  }
  const stranger = await run(['cap', 'convert', '--to', 'aip-chained', ...key('thief'), at('compact.cap')]);
  assert.match(stranger.stderr, /token\.signature_invalid/);
});

describe('macaroons', () => {
  const secret = ['--key', 'secret'];
  before(async () => {
    writeFileSync(at('secret'), 'a secret of this plane\n');
    secret[1] = at('secret');
    const words = ['--holder', 'spiffe://zylos.local/db/agent', '--audience', 'https://127.0.0.1:8443/mcp/files'];
    await make(
      'a.mac',
      'mint',
      '--encoding',
      'macaroon',
      ...secret,
      ...words,
      '--tool',
      'files/*',
      '--tool',
      'mail/send',
    );
    await make('b.mac', 'attenuate', at('a.mac'), '--tool', 'files/read_file', '--ttl', '5m');
  });
  const judged = async (file: string, tool: string, ...words: string[]) => {
    const { exitCode, stdout } = await run([
      'cap',
      'verify',
      '--root',
      at('secret'),
      '--tool',
      tool,
      '--json',
      ...words,
      at(file),
    ]);
    return { exitCode, ...JSON.parse(stdout) };
  };

  test('narrow without any key, and never wider', async () => {
    assert.equal((await judged('a.mac', 'mail/send')).exitCode, 0);
    const good = await judged('b.mac', 'files/read_file', '--peer', 'spiffe://zylos.local/db/agent');
    assert.deepEqual([good.exitCode, good.encoding, good.delegatorsAuthenticated], [0, 'macaroon', true]);
    assert.equal((await judged('b.mac', 'mail/send')).code, 'token.scope_insufficient');
    const wider = await run(['cap', 'attenuate', at('b.mac'), '--tool', 'mail/send']);
    assert.deepEqual([wider.exitCode, wider.stdout], [1, '']);
    assert.match(wider.stderr, /token\.scope_widened/);
  });

  test('are spelled as JSON and back', async () => {
    const json = await make('b.json', 'convert', '--to', 'macaroon-json', at('b.mac'));
    assert.equal(JSON.parse(json).v, 2);
    assert.equal(
      await make('again.mac', 'convert', '--to', 'macaroon', at('b.json')),
      readFileSync(at('b.mac'), 'utf8').trim(),
    );
    assert.equal((await judged('b.json', 'files/read_file')).exitCode, 0);
  });

  test('of another secret are not genuine', async () => {
    writeFileSync(at('other'), 'another');
    const { exitCode, stdout } = await run([
      'cap',
      'verify',
      '--root',
      at('other'),
      '--tool',
      'files/read_file',
      '--json',
      at('b.mac'),
    ]);
    assert.deepEqual([exitCode, JSON.parse(stdout).code], [1, 'token.signature_invalid']);
  });
});

test('an access token of a plane is checked without the plane, by the keys it publishes', async () => {
  const [keys] = [...worldWith().tokens.issuers.values()];
  const { x } = keys!.get('k1')!;
  const jwk = { kty: 'OKP', crv: 'Ed25519', kid: 'k1', x: Buffer.from(x).toString('base64url') };
  writeFileSync(at('jwks.json'), JSON.stringify({ keys: [jwk] }));
  writeFileSync(at('plane.jwt'), tokenFor(shortChain()));
  const asked = (root: string, ...words: readonly string[]) =>
    run(['cap', 'verify', '--root', root, '--at', '2027-01-15T08:00:00Z', '--json', ...words, at('plane.jwt')]);
  for (const root of [at('jwks.json'), `ed25519:${Buffer.from(x).toString('hex')}`]) {
    const good = await asked(root, '--tool', 'files/read_file', '--peer', shortChain().links[1]!.actor.sub);
    const { encoding, chain, revocationIds } = JSON.parse(good.stdout);
    assert.deepEqual([good.exitCode, encoding, chain.length], [0, 'jwt', 2], good.stdout);
    assert.deepEqual(revocationIds, ['jti-1', 'row-root', 'row-claude/orchestrator']);
  }
  for (const [code, words] of [
    ['token.scope_insufficient', ['--tool', 'mail/send']],
    ['token.wrong_audience', ['--tool', 'files/read_file', '--audience', 'https://a.example']],
    ['token.bound_to_other_peer', ['--tool', 'files/read_file', '--peer', 'spiffe://zylos.local/db/agent']],
  ] as const) {
    const bad = await asked(at('jwks.json'), ...words);
    assert.deepEqual([bad.exitCode, JSON.parse(bad.stdout).code], [1, code]);
  }
  const stranger = await asked(id('root'), '--tool', 'files/read_file');
  assert.equal(JSON.parse(stranger.stdout).code, 'token.signature_invalid');
});

test('what a capability says does not steer the terminal that shows it', async () => {
  const evil = '\u001b[31mroot\u0007\u202e';
  await make(
    'evil.mac',
    'mint',
    '--encoding',
    'macaroon',
    '--key',
    at('secret'),
    '--holder',
    evil,
    '--audience',
    evil,
    '--tool',
    'files/x',
  );
  for (const words of [
    ['inspect'],
    ['inspect', '--datalog'],
    ['verify', '--root', at('secret'), '--tool', 'files/x'],
  ]) {
    const { stdout } = await run(['cap', ...words, at('evil.mac')]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u202e]/);
    assert.match(stdout, /root/);
  }
});

test('keys of OpenSSL, and roots as hex, PEM and identity document', async () => {
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', at('own.pem')], { stdio: 'ignore' });
  execFileSync('openssl', ['pkey', '-in', at('own.pem'), '-pubout', '-out', at('own.pub')], { stdio: 'ignore' });
  await make('own.cap', 'mint', '--key', at('own.pem'), '--tool', 'search');
  const { stdout } = await run(['cap', 'inspect', '--json', at('own.cap')]);
  const name = JSON.parse(stdout).holder as string;
  const raw = (cap.parseAipId(name) as { key: Uint8Array }).key;
  for (const root of [name, `ed25519:${Buffer.from(raw).toString('hex')}`, at('own.pub')]) {
    assert.equal((await run(['cap', 'verify', '--root', root, '--tool', 'search', at('own.cap')])).exitCode, 0, root);
  }
});

const misused: [words: (at: (name: string) => string) => string[], says: RegExp][] = [
  [() => ['mint'], /`--tool` is missing/],
  [() => ['mint', '--tool', 'x'], /give `--key`/],
  [(file) => ['mint', '--tool', 'x', '--new-key', file('root.key')], /exists already/],
  [(file) => ['mint', '--tool', 'x', '--key', file('secret')], /holds no Ed25519 private key/],
  [(file) => ['mint', '--tool', 'x', '--key', file('root.key'), '--ttl', 'soon'], /not a duration/],
  [(file) => ['mint', '--tool', 'x', '--key', file('root.key'), '--where', '[]'], /`--where`/],
  [(file) => ['mint', '--tool', 'x', '--key', file('root.key'), '--encoding', 'aip-compact'], /`--holder` is missing/],
  [(file) => ['mint', '--tool', 'x', '--key', file('root.key'), '--holder', 'eve'], /not an AIP identifier/],
  [(file) => ['attenuate', file('plain.cap')], /`--to`/],
  [(file) => ['verify', '--root', 'ed25519:00', '--tool', 'x', file('plain.cap')], /64 hex digits/],
  [
    (file) => ['verify', '--root', 'aip:web:example.org/a', '--tool', 'x', file('plain.cap')],
    /fetch https:\/\/example\.org/,
  ],
  [(file) => ['verify', '--tool', 'x', file('plain.cap')], /`--root` is missing/],
  [(file) => ['verify', '--root', file('none'), '--tool', 'x', file('plain.cap')], /does not exist/],
];
for (const [words, says] of misused) {
  test(`a wrong word ends 2: ${says}`, async () => {
    const { exitCode, stderr, stdout } = await run(['cap', ...words(at)]);
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, says);
    assert.equal(stdout, '');
  });
}

test('a capability may stand on the command line itself', async () => {
  const text = await make('word.cap', 'mint', ...key('root'), '--tool', 'search');
  assert.equal((await run(['cap', 'verify', '--root', id('root'), '--tool', 'search', text])).exitCode, 0);
  assert.equal(
    (await run(['cap', 'verify', '--root', id('root'), '--tool', 'search', `${text.slice(0, -8)}AAAAAAA=`])).exitCode,
    1,
  );
});

test('a capability comes through a pipe', () => {
  const program = resolve(import.meta.dirname, 'main.ts');
  const words = ['--conditions=writ-source', '--no-warnings', program, 'cap'];
  const { status, stdout } = spawnSync(process.execPath, [...words, 'inspect', '--json', '-'], {
    input: readFileSync(at('plain.cap')),
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  assert.equal(JSON.parse(stdout).encoding, 'aip-chained');
});
