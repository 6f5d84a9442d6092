// `writ replay --policy DIR`: the rules in their Cedar form give the lines of the plain form, and a folder of the operator's can only
// take away (contract §9).

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../../packages/server/src/cli/plane.fixture.ts';
import { publicData } from '../public-data.ts';

const here = import.meta.dirname;
const office = {
  cases: join(here, 'office', 'cases.json'),
  tools: join(here, 'office', 'tools.json'),
  manifests: [join(here, 'office', 'office.manifest.yaml')],
};
const data = publicData('agentdojo/cases.json');
const agentdojo = {
  cases: data.path,
  tools: publicData('agentdojo/tools.json').path,
  manifests: ['banking', 'slack'].map((suite) => resolve(here, `../../examples/agentdojo/${suite}.manifest.yaml`)),
};

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-replay-policy-'));
});
after(() => rmSync(folder, { recursive: true }));

interface Line {
  readonly tool: string;
  readonly outcome: 'allow' | 'approval' | 'deny';
  readonly code: string | null;
}

async function replay(suite: typeof office, options: readonly string[]) {
  const manifests = suite.manifests.flatMap((path) => ['--manifest', path]);
  const words = ['replay', '--cases', suite.cases, '--tools', suite.tools, ...manifests, '--json', ...options];
  const { exitCode, stdout, stderr } = await run(words);
  const all = stdout.trimEnd().split('\n');
  return { exitCode, stderr, stdout, lines: all.slice(0, -1), summary: all.at(-1)! };
}

const answersOf = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Line);
const digestIn = (summary: string) => (JSON.parse(summary) as { digests: { policy: string } }).digests.policy;

/** A folder with one Cedar file. */
function policy(text: string): string {
  const dir = mkdtempSync(join(folder, 'dir-'));
  writeFileSync(join(dir, 'house.cedar'), text);
  return dir;
}

const suites: [name: string, suite: typeof office, skip: string | false | undefined][] = [
  ['our own set', office, false],
  ['the public set', agentdojo, data.skip],
];
const modes = [
  [],
  ['--approvals', 'grant'],
  ['--hop', 'labels'],
  ['--hop', 'none', '--approvals', 'grant'],
  ['--hop', 'forged', '--cut', '2'],
];

for (const [name, suite, skip] of suites) {
  describe(name, { skip }, () => {
    for (const mode of modes) {
      test(`the shipped rules in Cedar give the same lines (${mode.join(' ') || 'no options'})`, async () => {
        const plain = await replay(suite, mode);
        const cedar = await replay(suite, [...mode, '--policy', policy('// nothing of our own\n')]);
        assert.deepEqual([plain.exitCode, cedar.exitCode], [0, 0], cedar.stderr);
        assert.deepEqual(cedar.lines, plain.lines);
        assert.notEqual(digestIn(cedar.summary), digestIn(plain.summary), 'another text judged');
      });
    }
  });
}

const guarded = `@id("house.effects") @outcome("approval")
forbid (principal, action, resource) when { context.trust.risk >= 2 };
@id("house.tainted")
forbid (principal is Writ::Agent, action, resource) when { context.trust.tainted && context.trust.risk >= 4 };
`;

test('what the folder adds is asked and refused, and nothing gets milder', async () => {
  const plain = answersOf((await replay(office, [])).lines);
  const own = answersOf((await replay(office, ['--policy', policy(guarded)])).lines);
  const severity = { allow: 0, approval: 1, deny: 2 };
  assert.ok(own.some(({ code }) => code === 'action.policy_forbids'));
  assert.ok(own.filter(({ outcome }) => outcome === 'approval').length > 0);
  // What is refused is not read, so only steps before the first difference are under the same evidence; those are the same.
  const first = own.findIndex(({ outcome }, i) => outcome !== plain[i]!.outcome);
  assert.ok(first >= 0 && severity[own[first]!.outcome] > severity[plain[first]!.outcome]);
});

test('two runs give the same bytes, and the digest tells one policy from another', async () => {
  const dir = policy(guarded);
  const [one, two] = [await replay(office, ['--policy', dir]), await replay(office, ['--policy', dir])];
  assert.equal(one.stdout, two.stdout);
  const other = await replay(office, ['--policy', policy(guarded.replace('>= 4', '>= 5'))]);
  assert.notEqual(digestIn(other.summary), digestIn(one.summary));
});

test('a permit in the folder lets nothing through', async () => {
  const plain = await replay(office, []);
  const open = await replay(office, ['--policy', policy('@id("open") permit (principal, action, resource);')]);
  assert.deepEqual(open.lines, plain.lines);
});

// Ways to take a shipped rule away, or to have a policy that never speaks.
const broken: [why: string, text: string, says: RegExp][] = [
  [
    'the id of a shipped rule',
    '@id("writ.trust.target") forbid (principal, action, resource) when { false };',
    /taken by/,
  ],
  [
    'a fact that there is not',
    'forbid (principal, action, resource) when { context.trust.flor < 2 };',
    /house\.cedar:1:\d+.*flor/s,
  ],
  [
    'an optional fact read without `has`',
    'forbid (principal, action, resource) when { context.trust.target < 2 };',
    /target/,
  ],
  ['a tool that there is not', 'forbid (principal, action == Writ::Action::"office/nothing", resource);', /nothing/],
];
for (const [why, text, says] of broken) {
  test(`refused before anything is judged: ${why}`, async () => {
    const { exitCode, stdout } = await replay(office, ['--policy', policy(text)]);
    assert.equal(exitCode, 2);
    assert.match(stdout, says);
    assert.equal(stdout.split('house.cedar:').length, 2, 'one mistake is told once, however many tools it is about');
  });
}

test('a folder that is not there, and one without a policy, are told', async () => {
  const nowhere = await replay(office, ['--policy', join(folder, 'nowhere')]);
  assert.equal(nowhere.exitCode, 2);
  assert.match(nowhere.stdout, /does not exist/);
  const empty = await replay(office, ['--policy', mkdtempSync(join(folder, 'empty-'))]);
  assert.equal(empty.exitCode, 0);
  assert.match(empty.stderr, /holds no \*\.cedar file/);
});
