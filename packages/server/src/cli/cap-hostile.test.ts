// `writ cap` and tokens that nobody honest makes, and words that a form has no place for: each is a no with its code.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Chain, cap, type JsonObject, type Link, utf8 } from '@writ/core';
import {
  hop,
  longChain,
  nowSeconds,
  serverUrl,
  shortChain,
  tokenFor,
  worldWith,
} from '../../../core/src/decision/world.fixture.ts';
import { forgeAuthority, plainAuthority, timeCheck } from '../../../core/src/token/cap/aip/forge.fixture.ts';
import { compact, jwtChain } from '../../../core/src/token/cap/aip/json-encodings.fixture.ts';
import { parseAipJwt, signAipJwt } from '../../../core/src/token/cap/aip/jwt.ts';
import { idOf } from '../../../core/src/token/cap/aip/links.fixture.ts';
import { keyNamed } from '../../../core/src/token/cap/keys.fixture.ts';
import { capEngine } from './cap-keys.ts';
import { run } from './plane.fixture.ts';

const secret = 'a secret of this plane';
let folder: string;
const at = (name: string) => join(folder, name);
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-cap-hostile-'));
  writeFileSync(at('secret'), `${secret}\n`);
  const { x } = [...worldWith().tokens.issuers.values()][0]!.get('k1')!;
  const jwk = { kty: 'OKP', crv: 'Ed25519', kid: 'k1', x: Buffer.from(x).toString('base64url') };
  writeFileSync(at('jwks.json'), JSON.stringify({ keys: [jwk] }));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const cli = (...words: readonly string[]) => run(['cap', ...words]);

/** What `verify` says of a token, at the time of the fixture's plane. */
async function verified(text: string, root: string, ...words: readonly string[]) {
  writeFileSync(at('token'), text);
  const time = new Date(nowSeconds * 1000).toISOString();
  const asked = ['--root', root, '--tool', 'files/read_file', '--at', time, '--json'];
  const { exitCode, stdout, stderr } = await cli('verify', ...asked, ...words, at('token'));
  assert.notEqual(stdout, '', stderr);
  return { exitCode, ...JSON.parse(stdout) };
}

const macaroonOf = (chain: Chain, location: string | null = null) =>
  cap.chainToMacaroon(chain, { keyId: 'k', secret: utf8(secret), nonce: 'n', location }, capEngine);
const until = (chain: Chain, untilSeconds: number): Chain => {
  const [root, ...rest] = chain.links;
  const later = (link: Link): Link => ({ ...link, untilSeconds });
  return { ...chain, links: [later(root), ...rest.map(later)] };
};

describe('a time after the year 9999 is none (RFC 3339 §1): what says so is malformed, and shown all the same', () => {
  const resigned = (text: string, over: JsonObject) => {
    const { typ, claims } = parseAipJwt(text)!;
    return signAipJwt(typ, { ...claims, ...over }, keyNamed('root'));
  };
  for (const seconds of [253_402_300_800, 8_640_000_000_001, Number.MAX_SAFE_INTEGER]) {
    const tokens: [form: string, root: () => string, text: () => string][] = [
      ['macaroon', () => at('secret'), () => cap.macaroonsText([macaroonOf(until(shortChain(), seconds))])],
      ['jwt', () => at('jwks.json'), () => tokenFor(until(shortChain(), seconds))],
      ['aip-compact', () => idOf('root'), () => resigned(compact(), { exp: seconds })],
      ['aip-jwt-chain', () => idOf('root'), () => resigned(jwtChain(0), { exp: seconds })],
      [
        'aip-chained',
        () => idOf('root'),
        () => forgeAuthority({ ...plainAuthority, checks: [plainAuthority.checks[0]!, timeCheck(seconds)] }),
      ],
    ];
    for (const [form, root, text] of tokens) {
      test(`${form}, ${seconds}`, async () => {
        const bad = await verified(text(), root());
        assert.deepEqual([bad.exitCode, bad.code, bad.encoding], [1, 'token.malformed', form]);
        for (const words of [[], ['--datalog'], ['--json']]) {
          const { exitCode, stdout, stderr } = await cli('inspect', ...words, at('token'));
          assert.deepEqual([exitCode, stderr], [0, '']);
          assert.match(stdout, words[0] === '--json' ? /"verified": ?false/ : /^UNVERIFIED/);
        }
      });
    }
  }
});

describe('a JWT is read as the plane reads it (rules §2)', () => {
  const [root, first] = shortChain().links;
  const cases: [name: string, code: string | null, text: () => string][] = [
    ['as issued', null, () => tokenFor(shortChain())],
    ['of four parties', null, () => tokenFor(longChain())],
    ['issued tomorrow', 'token.not_yet_valid', () => tokenFor(shortChain(), { iat: nowSeconds + 86_400 })],
    ['not before tomorrow', 'token.not_yet_valid', () => tokenFor(shortChain(), { nbf: nowSeconds + 86_400 })],
    ['without a time of issue', 'token.malformed', () => tokenFor(shortChain(), { iat: 'today' })],
    ['over', 'token.expired', () => tokenFor(shortChain(), { exp: nowSeconds })],
    ['whose scope is not its leaf’s', 'token.chain_ambiguous', () => tokenFor(shortChain(), { scope: 'mail:send' })],
    [
      'whose audience is not its leaf’s',
      'token.chain_ambiguous',
      () => tokenFor(shortChain(), { aud: 'https://a.example' }),
    ],
    ['of another kind', 'token.malformed', () => tokenFor(shortChain(), {}, { typ: 'writ-continuation+jwt' })],
    ['of another key', 'token.signature_invalid', () => tokenFor(shortChain(), {}, { kid: 'k2' })],
    [
      'with somebody in it twice',
      'token.cycle',
      () => tokenFor({ task: 'tsk_1', links: [root, first!, { ...first!, depth: first!.depth - 1 }] }),
    ],
    [
      'with an agent of another trust domain',
      'token.issuer_unknown',
      () => {
        const stranger = { iss: 'spiffe://other.example', sub: 'spiffe://other.example/db/agent' };
        const link = hop('db/agent', serverUrl('files'), { depth: 0, actor: stranger, scopes: first!.scopes });
        return tokenFor({ task: 'tsk_1', links: [root, first!, link] });
      },
    ],
  ];
  for (const [name, code, text] of cases) {
    test(`${name}: ${code ?? 'valid'}`, async () => {
      const answer = await verified(text(), at('jwks.json'));
      assert.deepEqual([answer.exitCode, answer.code], [code === null ? 0 : 1, code]);
    });
  }
});

describe('a macaroon is read as the plane reads it', () => {
  test('nobody stands in it twice', async () => {
    const [root, first] = shortChain().links;
    const again = { task: 'tsk_1', links: [root, first!, { ...first!, depth: first!.depth - 1 }] } as const;
    assert.equal((await verified(cap.macaroonsText([macaroonOf(again)]), at('secret'))).code, 'token.cycle');
  });

  test('the place it names is unsigned, so it is the one expected or none', async () => {
    const placed = cap.macaroonsText([macaroonOf(shortChain(), 'https://plane.example')]);
    assert.equal((await verified(placed, at('secret'))).code, 'token.malformed');
    for (const [place, code] of [
      ['https://plane.example', null],
      ['https://evil.example', 'token.malformed'],
    ] as const)
      assert.equal((await verified(placed, at('secret'), '--location', place)).code, code);
    const bare = cap.macaroonsText([macaroonOf(shortChain())]);
    assert.equal((await verified(bare, at('secret'), '--location', 'https://plane.example')).code, 'token.malformed');
    assert.equal((await verified(bare, at('secret'))).code, null);
  });

  test('a third party’s yes is unboxed, and is a yes for a while', async () => {
    const third = { identifier: utf8('approval 17'), secret: utf8('shared'), location: null };
    const nonce = capEngine.sha256(utf8('nonce')).subarray(0, 24);
    const root = cap.addThirdParty(macaroonOf(shortChain()), { ...third, nonce }, capEngine);
    const yes = (seconds: number, key = third.secret) => {
      const bare = cap.mintMacaroon(third.identifier, key, null, capEngine);
      const held = cap.addCondition(bare, utf8(`until ${seconds}`), capEngine);
      return cap.macaroonsText([root, cap.bindDischarge(root, held, capEngine)]);
    };
    for (const [text, code] of [
      [yes(nowSeconds + 1), null],
      [yes(nowSeconds), 'token.expired'],
      [yes(nowSeconds + 1, utf8('thief')), 'token.signature_invalid'],
      [cap.macaroonsText([root]), 'token.proof_invalid'],
    ] as const)
      assert.equal((await verified(text, at('secret'))).code, code);
  });
});

describe('a macaroon is narrowed by every word that was given, or not at all (rules §2.13)', () => {
  const held = () => {
    writeFileSync(at('held'), cap.macaroonsText([macaroonOf(shortChain())]));
    return at('held');
  };
  const unsaid: [words: () => string[], says: RegExp][] = [
    [() => ['--domain', 'a.example'], /`--domain`/],
    [() => ['--key', at('secret')], /`--key`/],
    [() => ['--unsigned'], /`--unsigned`/],
    [() => ['--seal'], /`--seal`/],
  ];
  for (const [words, says] of unsaid) {
    test(`it has no ${says.source}`, async () => {
      const { exitCode, stdout, stderr } = await cli('attenuate', held(), '--tool', 'files/read_file', ...words());
      assert.deepEqual([exitCode, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }

  test('its context is the purpose of its last link', async () => {
    const narrowed = await cli('attenuate', held(), '--tool', 'files/read_file', '--context', 'read the report');
    const answer = await verified(narrowed.stdout.trim(), at('secret'));
    assert.deepEqual([answer.code, answer.chain.at(-1).purpose], [null, 'read the report'], narrowed.stderr);
  });

  test('constraints on arguments are on the tools it names, or on all it holds', async () => {
    for (const tool of [['--tool', 'files/read_file'], []]) {
      const narrowed = await cli('attenuate', held(), ...tool, '--max-amount', '50');
      for (const [args, code] of [
        ['{"amount":50}', null],
        ['{"amount":51}', 'token.constraint_violated'],
      ] as const) {
        const answer = await verified(narrowed.stdout.trim(), at('secret'), '--args', args);
        assert.equal(answer.code, code, narrowed.stderr);
      }
    }
  });

  test('a name with a colon stays as it is, and a bare one is the same to who mints and who verifies', async () => {
    for (const tool of ['db/agent:send', 'search', 'files/read_file', 'files:a/b']) {
      const words = [
        '--encoding',
        'macaroon',
        '--key',
        at('secret'),
        '--holder',
        'b',
        '--audience',
        'https://a.example',
      ];
      const minted = await cli('mint', ...words, '--tool', tool);
      writeFileSync(at('minted'), minted.stdout);
      const { exitCode, stderr } = await cli('verify', '--root', at('secret'), '--tool', tool, at('minted'));
      assert.equal(exitCode, 0, `${tool}: ${minted.stderr}${stderr}`);
    }
  });
});
