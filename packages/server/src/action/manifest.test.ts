import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type JsonObject, parseStrictJsonText } from '@writ/core';
import * as yaml from 'yaml';
import { operationsOf } from './definitions.ts';
import { builtinManifest, builtinNames, manifestDigest, readManifest, readManifestFile } from './manifest.ts';
import { ManifestFile, manifestJsonSchema } from './manifest-schema.ts';
import { reviewedServer } from './testing.ts';

const banking = `manifest: 1
servers:
  banking:
    tools:
      send_money:
        risk: 4
        effect: money
        intent: ["pay", "transfer"]
        args: { /recipient: { role: target, type: iban }, /amount: { role: value, type: number } }
        outputs:
          - { at: "/*/recipient", handle: 3, text: 1 }
          - { at: "/*/subject", text: 3, when: { sibling: sender, in: ["me"] } }
          - { at: "", text: 1, keys: 1 }
`;

const read = (text: string, key = 'banking') => readManifest({ path: 'bank.yaml', text }, key);

test('a manifest is read as contract §8 writes it', () => {
  const found = read(banking);
  assert.equal('manifest' in found && found.manifest.tools.send_money?.risk, 4);
  assert.equal('manifest' in read(JSON.stringify(yaml.parse(banking))), true, 'JSON as well');
});

describe('what does not fit is a problem at its place', () => {
  const cases: readonly (readonly [from: string, to: string, place: string, says: RegExp, expected: RegExp])[] = [
    ['risk: 4', 'risk: 9', '6:9 servers.banking.tools.send_money.risk', /`9` does not fit/, /a risk from 0 to 5/],
    ['effect: money', 'effect: spend', '7:9 servers.banking.tools.send_money.effect', /`spend`/, /`money`/],
    [
      'role: value,',
      'rolle: value,',
      '9:70 servers.banking.tools.send_money.args./amount.rolle',
      /`rolle` is not known/,
      /a key/,
    ],
    ['/recipient: {', 'recipient: {', '9:17 servers.banking.tools.send_money.args.recipient', /./, /a JSON pointer/],
    ['in: ["me"]', 'sibling2: a', '12:67 servers.banking.tools.send_money.outputs.1.when.sibling2', /not known/, /./],
    ['manifest: 1', 'manifest: 2', '1:1 manifest', /`2`/, /`1`/],
    ['risk: 4', 'risk: 4\n        risk: 0', '7:9 ', /unique/, /well-formed YAML/],
    [
      'intent: ["pay"',
      'riskWhen: [{ arg: /amount, present: true, risk: 3 }]\n        intent: ["pay"',
      '8:9 servers.banking.tools.send_money.riskWhen',
      /./,
      /above the risk/,
    ],
  ];
  for (const [from, to, place, says, expected] of cases) {
    test(`${to.split('\n').at(-1)!.trim()}`, () => {
      const found = read(banking.replace(from, to));
      const problem = 'problems' in found ? found.problems[0]! : assert.fail('it loaded');
      assert.equal(`${problem.line}:${problem.column} ${problem.path}`, place);
      assert.match(problem.says, says);
      assert.match(problem.expected, expected);
    });
  }

  test('a manifest that does not speak of the server', () => {
    const found = read(banking, 'mail');
    assert.match('problems' in found ? found.problems[0]!.says : '', /no server `mail`.*`banking`/);
  });
});

test('a generated manifest loads only with the review of exactly this text', () => {
  const generated = banking.replace('manifest: 1', 'manifest: 1\ngenerated: true');
  const refused = readManifestFile({ path: 'g.yaml', text: generated });
  const expected = 'problems' in refused ? refused.problems[0]!.expected : '';
  const digest = /sha256:[0-9a-f]{64}/.exec(expected)![0];
  assert.equal(digest, manifestDigest(ManifestFile.parse(yaml.parse(generated))));
  const signed = `${generated}reviewed: { by: howard, digest: "${digest}" }\n`;
  assert.equal('manifest' in read(signed), true);
  const edited = read(signed.replace('risk: 4', 'risk: 1'));
  assert.match('problems' in edited ? edited.problems[0]!.says : '', /changed since it was reviewed/);
});

test('the published schema is closed and names the roles', () => {
  const text = JSON.stringify(manifestJsonSchema());
  assert.match(text, /"additionalProperties":false/);
  assert.match(text, /"enum":\["target","value","date","payload","ignored"\]/);
});

describe('the manifests that ship', () => {
  test('are manifests', () => {
    for (const name of builtinNames()) {
      assert.equal(
        ManifestFile.safeParse({ manifest: 1, servers: { [name]: builtinManifest(name) } }).success,
        true,
        name,
      );
    }
    assert.equal(builtinManifest('constructor'), null);
  });

  for (const name of ['filesystem', 'everything', 'memory', 'sequential-thinking']) {
    test(`${name}: every tool the real server lists is an operation, with every argument in a role`, async () => {
      const tools = await listTools(name);
      const { operations, notices } = operationsOf(
        [],
        [reviewedServer(name, tools, builtinManifest(name))],
        () => null,
      );
      assert.deepEqual(notices, []);
      assert.deepEqual(
        operations.map(({ target }) => target.name).sort(),
        tools.map((tool) => String(tool.name)).sort(),
      );
      assert.deepEqual(
        operations.filter(({ manifest }) => !manifest),
        [],
      );
    });
  }

  // Programs that npm does not have, or that want a database first: their lists as these versions gave them.
  const listed: readonly (readonly [name: string, tools: { readonly [tool: string]: string }])[] = [
    ['fetch', { fetch: 'url max_length start_index raw' }],
    ['time', { get_current_time: 'timezone', convert_time: 'source_timezone time target_timezone' }],
    ['postgres', { query: 'sql' }],
    [
      'git',
      {
        git_status: 'repo_path',
        git_diff_unstaged: 'repo_path context_lines',
        git_diff_staged: 'repo_path context_lines',
        git_diff: 'repo_path target context_lines',
        git_commit: 'repo_path message',
        git_add: 'repo_path files',
        git_reset: 'repo_path',
        git_log: 'repo_path max_count start_timestamp end_timestamp',
        git_create_branch: 'repo_path branch_name base_branch',
        git_checkout: 'repo_path branch_name',
        git_show: 'repo_path revision',
        git_branch: 'repo_path branch_type contains not_contains',
      },
    ],
  ];
  for (const [name, tools] of listed) {
    test(`${name}: every tool of the published server has an entry, with every argument in a role and none besides`, () => {
      const definitions = Object.entries(tools).map(([tool, args]) => ({
        name: tool,
        inputSchema: { type: 'object', properties: Object.fromEntries(args.split(' ').map((one) => [one, {}])) },
      }));
      const server = reviewedServer(name, definitions, builtinManifest(name));
      const { operations, notices } = operationsOf([], [server], () => null);
      assert.deepEqual(notices, []);
      assert.deepEqual(
        operations.map(({ target, manifest }) => [target.name, manifest]),
        Object.keys(tools).map((tool) => [tool, true]),
      );
      assert.deepEqual(Object.keys(builtinManifest(name)!.tools).sort(), Object.keys(tools).sort());
    });
  }
});

/** Asks the real server over its pipes, as a 2025-11-25 client does. */
async function listTools(name: string): Promise<readonly JsonObject[]> {
  const entry = fileURLToPath(import.meta.resolve(`@modelcontextprotocol/server-${name}/dist/index.js`));
  const folder = await mkdtemp(join(tmpdir(), 'writ-manifest-'));
  const server = spawn(process.execPath, [entry, name === 'filesystem' ? folder : 'stdio'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  try {
    const send = (message: JsonObject): void =>
      void server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const clientInfo = { name: 'writ-test', version: '0' };
    send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } });
    send({ method: 'notifications/initialized' });
    send({ id: 2, method: 'tools/list', params: {} });
    for await (const line of createInterface(server.stdout)) {
      const parsed = parseStrictJsonText(line);
      const message = parsed.ok ? (parsed.value as { id?: number; result?: { tools: JsonObject[] } }) : {};
      if (message.id === 2) return message.result!.tools;
    }
    throw new Error(`${name} did not list its tools`);
  } finally {
    server.kill();
    await rm(folder, { recursive: true });
  }
}
