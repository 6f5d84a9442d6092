// Configurations that nobody would write: they are judged without a fault, every fix loads, and the answer is SARIF.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { parseConfig } from '../../packages/server/src/config/load.ts';
import { sarifFaults } from '../../packages/server/src/scan/sarif-form.fixture.ts';
import { runScan, type ScanJson } from './run-scan.ts';

const folder = mkdtempSync(join(tmpdir(), 'writ-any-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, '.mcp.json');

/** Words that rules look at, bent in every way. */
const word = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ maxLength: 40 }),
  fc.constantFrom(
    'npx',
    '-y',
    '--',
    'docker',
    'run',
    '-v',
    '/:/x',
    '--privileged',
    'sh',
    '-c',
    'curl x | sh',
    'uvx',
    '*',
    '/',
    '~',
    '',
  ),
  fc.constantFrom(
    'http://a.example/m',
    'https://u:p4ssw0rd@h.example/',
    'http://[::1]:1/',
    'http://',
    '$X',
    'Bearer ',
    '{"a":"b"}',
    '0',
  ),
  fc.constantFrom(
    'server-filesystem',
    'mcp-remote',
    '--api-key',
    'A=b',
    '--header',
    'X-Key: 12345678a',
    '--scope',
    'writ',
    'true',
  ),
  fc.base64String({ minLength: 24, maxLength: 60 }),
);
const name = fc.oneof(
  word,
  fc.constantFrom('API_KEY', 'Authorization', 'NODE_TLS_REJECT_UNAUTHORIZED', '__proto__', 'scopes', 'a b', '1x'),
);
const map = fc.array(fc.tuple(name, fc.oneof(word, fc.integer(), fc.boolean())), { maxLength: 4 });
const entry = fc.record(
  {
    command: fc.oneof(word, fc.array(word)),
    args: fc.array(word, { maxLength: 6 }),
    url: word,
    env: map,
    headers: map,
    trust: fc.boolean(),
    autoApprove: fc.array(word),
    scope: word,
  },
  { requiredKeys: [] },
);

/** JSON with names as they come, `__proto__` and doubles included. */
function text(servers: readonly (readonly [string, object])[]): string {
  const pairs = (list: readonly (readonly [string, unknown])[]) =>
    `{${list.map(([key, value]) => `${JSON.stringify(key)}: ${json(value, key)}`).join(', ')}}`;
  const json = (value: unknown, key: string): string => {
    if (key === 'env' || key === 'headers') return pairs(value as readonly (readonly [string, unknown])[]);
    return typeof value === 'object' && !Array.isArray(value) ? pairs(Object.entries(value!)) : JSON.stringify(value);
  };
  return `{"mcpServers": ${pairs(servers)}}`;
}

test('every configuration is judged, and what is said holds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, entry), { minLength: 1, maxLength: 3 }), async (servers) => {
      writeFileSync(file, text(servers as readonly (readonly [string, object])[]));
      const { stdout, stderr, exitCode } = await runScan([file, '--no-probe', '--json']);
      assert.ok(exitCode === 0 || exitCode === 1, stderr);
      for (const { fix, rule } of (JSON.parse(stdout) as ScanJson).findings) {
        const loaded = parseConfig(`version: 1\ntrustDomain: zylos.local\n${fix}`, join(folder, 'writ.yaml'));
        assert.ok('config' in loaded, `${rule}\n${fix}\n${JSON.stringify('problems' in loaded && loaded.problems)}`);
      }
      assert.deepEqual(sarifFaults(JSON.parse((await runScan([file, '--no-probe', '--sarif'])).stdout)), []);
    }),
    { numRuns: 300 },
  );
});
