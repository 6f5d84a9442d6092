// Rego of ours that OPA itself compiled (test/interop/rego, whose interop test builds it anew and compares), evaluated in this
// process; and files that only look like such a bundle.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { JsonObject } from '@writ/core';
import { onServer, request, user } from '../testing.ts';
import { openOpaBundle } from './opa-bundle.ts';
import { type RemoteVerdict, versionOf } from './verdict.ts';

const bundle = resolve(import.meta.dirname, '../../../../../test/interop/rego/writ.tar.gz');
const folder = mkdtempSync(join(tmpdir(), 'writ-bundle-'));
after(() => rmSync(folder, { recursive: true }));

const open = (rule = 'writ/allow', path = bundle) => openOpaBundle({ name: 'local', path, rule });
const asked = (args: JsonObject = { path: '/shared/report.md' }, name = 'read_text_file', depth = 1) =>
  request({ asker: user('howard'), target: onServer('files', name), args, depth });
const gist = (told: RemoteVerdict) => (told.verdict === 'none' ? told.fault : told.verdict);

const verdicts: [why: string, expected: string, question: ReturnType<typeof asked>][] = [
  ['a read below the shared folder', 'permit', asked()],
  ['a read elsewhere', 'deny', asked({ path: '/etc/passwd' })],
  ['a write', 'deny', asked(undefined, 'write_file')],
  ['four steps from the person', 'deny', asked(undefined, undefined, 4)],
  ['a path that is no text', 'deny', asked({ path: 7 })],
  ['no path at all', 'deny', asked({})],
  ['text that ends an input early', 'deny', asked({ path: '"}},"data":{"shared":""' })],
];
for (const [why, expected, question] of verdicts) {
  test(`${why}: ${expected}`, async () => {
    assert.equal((await (await open()).ask(question)).verdict, expected);
  });
}

test('the verdict is bound to question, answer and the bundle that gave it (design D7)', async () => {
  const told = await (await open()).ask(asked());
  const digest = createHash('sha256').update(readFileSync(bundle)).digest('hex');
  assert.match(versionOf(told), /^permit request=sha256:[0-9a-f]{64} answer=sha256:[0-9a-f]{64} policy=sha256:/);
  assert.ok(versionOf(told).endsWith(digest));
  const other = await (await open()).ask(asked({ path: '/shared/other.md' }));
  assert.notEqual(other.about, told.about);
  assert.notEqual(other.requestDigest, told.requestDigest);
});

for (const [why, rule, fault] of [
  ['an undefined rule', 'writ/undefined_for_most', 'no_boolean'],
  ['an object that holds true', 'writ/as_object', 'no_boolean'],
  ['a policy that wants more memory than it gets', 'writ/too_much', 'failed'],
] as const) {
  test(`${why} is no yes, and says why`, async () => {
    const told = await (await open(rule)).ask(asked());
    assert.equal(gist(told), fault);
    assert.ok(told.verdict === 'none' && told.cause);
    assert.equal(told.answerDigest === null, fault === 'failed');
  });
}

test('after a question that broke it, the policy answers the next one', async () => {
  const engine = await open();
  // More than the memory takes, which the policy never gets to see.
  assert.equal(gist(await engine.ask(asked({ path: 'x'.repeat(70 * 1024 * 1024) }))), 'failed');
  assert.equal(gist(await engine.ask(asked())), 'permit');
});

test('ten thousand questions leave no more behind than one', async () => {
  const engine = await open();
  for (let i = 0; i < 10_000; i++) {
    const told = await engine.ask(asked({ path: `${i % 2 ? '/shared/' : '/etc/'}${i}` }));
    assert.equal(told.verdict, i % 2 ? 'permit' : 'deny');
  }
});

const tar = gunzipSync(readFileSync(bundle));
/** The same archive after `change`. */
function changed(name: string, change: (tar: Buffer) => Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, gzipSync(change(Buffer.from(tar))));
  return path;
}
const renamed = (from: string, to: string) => (bytes: Buffer) => {
  const at = bytes.indexOf(`/${from}\0`);
  bytes.fill(0, at, at + 100).write(`/${to}`, at, 'latin1');
  return bytes;
};
const plain = join(folder, 'plain.tar.gz');
writeFileSync(plain, 'not packed at all');

const unusable: [why: string, path: string, says: RegExp][] = [
  ['no gzip', plain, /cannot be unpacked; `opa build -t wasm`/],
  ['an archive that breaks off', changed('cut', (bytes) => bytes.subarray(0, 2000)), /cannot be unpacked/],
  ['no policy in it', changed('none', renamed('policy.wasm', 'other.wasm')), /has no `policy.wasm`/],
  ['one name twice', changed('twice', renamed('writ.rego', 'policy.wasm')), /cannot be unpacked/],
  [
    'text where the policy should be',
    changed('text', (b) => renamed('writ.rego', 'policy.wasm')(renamed('policy.wasm', 'x')(b))),
    /does not start/,
  ],
  [
    'data that is no object',
    changed('data', (b) => renamed('writ.rego', 'data.json')(renamed('data.json', 'x')(b))),
    /`data.json` that is no JSON object/,
  ],
  ['a bomb', changed('bomb', () => Buffer.alloc(80 * 1024 * 1024)), /cannot be unpacked/],
];
for (const [why, path, says] of unusable) {
  test(`a bundle with ${why} is refused at start, in a sentence`, async () => {
    await assert.rejects(open('writ/allow', path), says);
  });
}

test('a rule the bundle was not built for is refused at start, with those it has', async () => {
  await assert.rejects(open('writ/other'), /no entrypoint `writ\/other`; it has .*`writ\/allow`/);
  await assert.rejects(open('__proto__'), /no entrypoint/);
});
