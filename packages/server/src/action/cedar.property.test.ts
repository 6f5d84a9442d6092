// Cedar's theorems, asked of what was built on it: random policy sets and requests against the plainest model there is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Asked, agent, answer, load, onServer, user } from './testing.ts';

interface Rule {
  readonly effect: 'permit' | 'forbid';
  readonly principal: 'any' | 'orchestrator' | 'agents' | 'people';
  readonly action: 'any' | 'read_file' | 'files';
  readonly deeperThan: number | null;
}

const rule: fc.Arbitrary<Rule> = fc.record({
  effect: fc.constantFrom('permit', 'forbid'),
  principal: fc.constantFrom('any', 'orchestrator', 'agents', 'people'),
  action: fc.constantFrom('any', 'read_file', 'files'),
  deeperThan: fc.option(fc.nat(3), { nil: null }),
});

const rules = fc.array(rule, { maxLength: 6 });

const asked: fc.Arbitrary<Asked & { readonly depth: number }> = fc.record({
  asker: fc.constantFrom(agent('claude/orchestrator'), agent('db/agent'), user('howard'), user('mallory')),
  target: fc.constantFrom(onServer('files', 'read_file'), onServer('files', 'write_file'), onServer('mail', 'send')),
  args: fc.constant({ path: '/a', content: 'b', to: ['c'], subject: 'd' }),
  depth: fc.nat(4),
});

const PRINCIPALS = {
  any: 'principal',
  orchestrator: 'principal == Writ::Agent::"spiffe://zylos.local/claude/orchestrator"',
  agents: 'principal is Writ::Agent',
  people: 'principal in Writ::UserGroup::"configured"',
};
const ACTIONS = {
  any: 'action, resource',
  read_file: 'action == Writ::Action::"files/read_file", resource',
  files: 'action in Writ::Action::"tool.call", resource in Writ::Server::"files"',
};

function textOf(all: readonly (Rule & { readonly id: string })[]): string {
  return all
    .map(({ id, effect, principal, action, deeperThan }) => {
      const when = deeperThan === null ? '' : ` when { context.depth > ${deeperThan} }`;
      return `@id("${id}") ${effect} (${PRINCIPALS[principal]}, ${ACTIONS[action]})${when};`;
    })
    .join('\n');
}

function applies(one: Rule, { asker, target, depth }: Asked & { readonly depth: number }): boolean {
  const isPerson = asker.kind === 'user';
  const who = {
    any: true,
    orchestrator: asker === ORCHESTRATOR || (asker.kind === 'agent' && asker.spiffeId.endsWith('/claude/orchestrator')),
    agents: asker.kind === 'agent',
    people: isPerson && asker.principal.sub === 'howard',
  }[one.principal];
  const what = { any: true, read_file: target.name === 'read_file', files: target.server === 'files' }[one.action];
  return who && what && (one.deeperThan === null || depth > one.deeperThan);
}

const ORCHESTRATOR = agent('claude/orchestrator');

const withIds = (all: readonly Rule[]) => all.map((one, i) => ({ ...one, id: `r${i}` }));

test('allowed only if something said so, and forbid beats permit', () => {
  const seen = { permit: 0, forbid: 0, none: 0 };
  fc.assert(
    fc.property(rules, asked, (drawn, question) => {
      const all = withIds(drawn);
      const speaking = all.filter((one) => applies(one, question));
      const forbids = speaking.filter(({ effect }) => effect === 'forbid');
      const decisive = forbids.length > 0 ? forbids : speaking;
      const outcome = forbids.length > 0 ? 'forbid' : speaking.length > 0 ? 'permit' : 'none';
      seen[outcome]++;
      const expected = { outcome, determining: decisive.map(({ id }) => id).sort(), errors: [] };
      assert.deepEqual(answer(load([], textOf(all)), question), expected);
    }),
    { numRuns: 100 },
  );
  assert.ok(Math.min(seen.permit, seen.forbid, seen.none) > 5, JSON.stringify(seen));
});

test('the order and the repetition of policies change nothing', () => {
  const shuffled = rules.chain((drawn) => {
    const all = withIds(drawn);
    const again = all.map((one) => ({ ...one, id: `${one.id}.again` }));
    return fc.tuple(fc.constant(all), fc.shuffledSubarray([...all, ...again], { minLength: all.length * 2 }));
  });
  fc.assert(
    fc.property(shuffled, asked, ([all, mixed], question) => {
      const once = answer(load([], textOf(all)), question);
      const twice = answer(load([], textOf(mixed)), question);
      assert.equal(twice.outcome, once.outcome);
      const withoutCopies = new Set(twice.determining.map((id) => id.replace('.again', '')));
      assert.deepEqual([...withoutCopies].sort(), once.determining);
    }),
    { numRuns: 40 },
  );
});

test('whatever is permitted could have been listed', () => {
  let permitted = 0;
  fc.assert(
    fc.property(rules, asked, (drawn, question) => {
      const loaded = load([], textOf(withIds(drawn)));
      if (answer(loaded, question).outcome !== 'permit') return;
      permitted++;
      assert.equal(loaded.policy.couldPermit(question.asker, question.target), true);
    }),
    { numRuns: 80 },
  );
  assert.ok(permitted > 3);
});
