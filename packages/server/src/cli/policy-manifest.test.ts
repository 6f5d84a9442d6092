// Drafting a manifest and checking those that a configuration names, on the command line (rules §3.6–3.7, contract §2 `validate`).

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { JsonObject } from '@writ/core';
import * as yaml from 'yaml';
import { readListing } from '../action/pins.ts';
import { pinStore } from '../main/policy.ts';
import { openStore } from '../store/store.ts';
import { fakePlane, run } from './plane.fixture.ts';

let folder: string;
let config: string;
const at = (name: string) => join(folder, name);

const send = {
  name: 'send',
  description: 'Sends a mail.',
  inputSchema: { type: 'object', properties: { to: { type: 'string' }, 'a/b': {}, body: { type: 'string' } } },
  annotations: { readOnlyHint: true },
};
const shown: JsonObject = {
  server: 'mail',
  digest: 'sha256:all',
  refused: [],
  tools: [
    { name: 'send', state: 'new', definition: send },
    { name: 'old', state: 'gone', definition: { name: 'old' } },
    { name: 'prompts/greet', state: 'new', definition: { name: 'greet' } },
    { name: 'resources', state: 'new', definition: { templates: [] } },
  ],
};
const manifest = `manifest: 1
servers:
  mail: { tools: { send: { risk: 4, effect: message, args: { /to: { role: target, type: email }, /bcc: { role: target } } } } }
`;

function configured(file: string, more = ''): void {
  const servers = `servers:\n  mail: { mcp: { url: "http://127.0.0.1:9/mcp" }, manifest: "${file}"${more} }\n`;
  writeFileSync(config, `version: 1\ntrustDomain: zylos.local\n${servers}`, { mode: 0o600 });
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-manifest-'));
  config = at('writ.yaml');
  writeFileSync(at('mail.yaml'), manifest);
});
after(() => rmSync(folder, { recursive: true }));

test('a draft is printed as YAML to be read, or as JSON; only tools that are listed now have an entry', async () => {
  configured('./mail.yaml');
  await using plane = await fakePlane(() => ({ body: shown }));
  const env = { WRIT_ADMIN: plane.origin, WRIT_SESSION: 's' };
  const text = await run(['policy', 'manifest', 'mail', '--config', config], env);
  assert.equal(text.exitCode, 0, text.stderr);
  assert.match(text.stdout, /^# yaml-language-server: \$schema=\.\/writ\.manifest\.schema\.json\n# Drafted/);
  const file = yaml.parse(text.stdout);
  assert.deepEqual(Object.keys(file.servers.mail.tools), ['send']);
  assert.equal(file.servers.mail.tools.send.risk, 4);
  const json = await run(['policy', 'manifest', 'mail', '--config', config, '--json'], env);
  assert.deepEqual(JSON.parse(json.stdout), file);
  assert.equal((await run(['policy', 'manifest'], env)).exitCode, 2);
});

test('annotations count only where the configuration trusts them', async () => {
  configured('./mail.yaml', ', trustAnnotations: true');
  await using plane = await fakePlane(() => ({ body: shown }));
  const env = { WRIT_ADMIN: plane.origin, WRIT_SESSION: 's' };
  const { stdout } = await run(['policy', 'manifest', 'mail', '--config', config, '--json'], env);
  assert.equal(JSON.parse(stdout).servers.mail.tools.send.risk, 1);
});

test('the schema of manifests is printed as that of writ.yaml is', async () => {
  const { stdout } = await run(['policy', 'manifest', '--schema', '--json']);
  assert.deepEqual(JSON.parse(stdout).required, ['manifest', 'servers']);
});

test('validate finds what is wrong with a manifest, at its place', async () => {
  writeFileSync(at('wrong.yaml'), manifest.replace('risk: 4', 'risk: 9'));
  writeFileSync(at('unsigned.yaml'), manifest.replace('manifest: 1', 'manifest: 1\ngenerated: true'));
  const cases: readonly (readonly [file: string, place: string, expected: RegExp])[] = [
    ['./wrong.yaml', 'servers.mail.tools.send.risk', /risk from 0 to 5/],
    ['./unsigned.yaml', 'reviewed', /reviewed: \{ by: .*digest: "sha256:/],
    ['builtin:nothing', 'servers.mail.manifest', /`builtin:filesystem`/],
  ];
  for (const [file, path, expected] of cases) {
    configured(file);
    const ran = await run(['validate', config, '--json']);
    const { ok, problems } = JSON.parse(ran.stdout);
    assert.deepEqual([ran.exitCode, ok, problems[0].path], [1, false, path]);
    assert.match(problems[0].expected, expected);
  }
});

test('validate lists arguments without role, and roles without argument, of what was reviewed here', async () => {
  configured('./mail.yaml');
  assert.deepEqual(JSON.parse((await run(['validate', config, '--json'])).stdout).notices, []);
  const clock = { nowSeconds: () => 1, nowMillis: () => 1 };
  mkdirSync(at('writ-data'));
  const store = await openStore({ file: at('writ-data/state.db'), clock });
  const listing = { instructions: null, tools: [send], prompts: [], resourceTemplates: [], resources: false };
  const pins = readListing(listing).listed.map((one) => ({ ...one, by: 'howard', atSeconds: 1 }));
  await pinStore(store).put('mail', pins, 'howard');
  await store.close();
  const ran = await run(['validate', config, '--json']);
  const { ok, notices } = JSON.parse(ran.stdout);
  assert.deepEqual([ran.exitCode, ok], [0, true]);
  assert.deepEqual(notices.map(({ says }: { says: string }) => says).sort(), [
    '`/a~1b` has no role and counts as a target',
    '`/body` has no role and counts as a target',
    'its manifest names `/bcc`, which it does not take',
  ]);
});
