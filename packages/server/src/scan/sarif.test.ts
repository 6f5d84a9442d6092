import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding, ScanResult } from './finding.ts';
import { RULES } from './rules/index.ts';
import { scanSarif } from './sarif.ts';
import { sarifFaults } from './sarif-form.fixture.ts';

const finding = (over: Partial<Finding>): Finding => ({
  id: '0123456789abcdef',
  rule: 'unpinned-package',
  severity: 'medium',
  place: { file: '/base/a b/.mcp.json', line: 3, column: 5, endColumn: 9 },
  says: 'says',
  evidence: 'evidence',
  fix: '# fix\n',
  ...over,
});

const result: ScanResult = {
  scanned: [
    { client: 'claude-code', file: '/base/a b/.mcp.json' },
    { client: 'cursor', file: '/else/mcp.json' },
  ],
  findings: [
    finding({}),
    finding({
      severity: 'high',
      rule: 'secret-in-config',
      place: { file: '/else/mcp.json', line: 1, column: 1, endColumn: null },
    }),
    finding({ severity: 'low', rule: 'card-unsigned', place: null }),
  ],
  probes: [],
  notes: [],
};

const log = scanSarif(result, '1.2.3', '/base');
const [run] = log.runs;

test('the log is SARIF 2.1.0', () => {
  assert.deepEqual(sarifFaults(JSON.parse(JSON.stringify(log))), []);
});

test('the check of the form sees faults', () => {
  const broken = JSON.parse(JSON.stringify(log));
  broken.runs[0].results[0].level = 'high';
  broken.runs[0].results[1].locations[0].physicalLocation.region.startLine = '1';
  delete broken.runs[0].results[2].message;
  broken.runs[0].extra = 1;
  broken.runs[0].results[0].fixes[0].artifactChanges = [];
  assert.equal(sarifFaults(broken).length, 5);
});

test('each result points to its rule, its place and its fix', () => {
  assert.deepEqual(
    run!.results.map(({ ruleId, ruleIndex }) => RULES[ruleIndex]!.id === ruleId),
    [true, true, true],
  );
  assert.deepEqual(
    run!.results.map(({ level }) => level),
    ['warning', 'error', 'note'],
  );
  const [inside, outside, nowhere] = run!.results;
  assert.deepEqual(inside!.locations[0]!.physicalLocation, {
    artifactLocation: { uri: 'a%20b/.mcp.json', uriBaseId: 'BASE' },
    region: { startLine: 3, startColumn: 5, endLine: 3, endColumn: 9 },
  });
  assert.equal(outside!.locations[0]!.physicalLocation.artifactLocation.uri, 'file:///else/mcp.json');
  assert.deepEqual(nowhere!.locations, []);
  assert.equal(inside!.fixes[0]!.artifactChanges[0]!.replacements[0]!.insertedContent.text, '# fix\n');
  assert.equal(inside!.partialFingerprints['writFinding/v1'], '0123456789abcdef');
});

test('rules have names of their own and two sentences', () => {
  const ids = RULES.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const { id, title, why } of RULES) {
    assert.match(id, /^[a-z0-9-]+$/);
    assert.match(title, /^\S/);
    assert.match(why, /\.$/);
  }
});
