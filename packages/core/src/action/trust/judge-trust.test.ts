import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { judgeFloorRule, judgeTrust } from './judge-trust.ts';
import type { Level } from './levels.ts';
import type { TrustFacts, TrustPlaces } from './trust-facts.ts';

const facts = (more: Partial<TrustFacts>): TrustFacts => ({
  risk: 4,
  baseRisk: more.risk ?? 4,
  effect: 'write',
  manifest: true,
  prompt: 'direct',
  floor: 3,
  tainted: more.floor !== undefined && more.floor <= 1,
  inTask: true,
  target: null,
  value: null,
  datesGiven: true,
  activeToken: null,
  secret: 'none',
  ...more,
});
const places: TrustPlaces = { target: '/to', value: '/n', date: '/on', activeToken: '/body', secret: '/body' };

function spoken(more: Partial<TrustFacts>): string {
  const { denials, questions } = judgeTrust(facts(more), places);
  const told = [...denials.map(({ rule }) => `deny ${rule}`), ...questions.map(({ rule }) => `ask ${rule}`)];
  return told.join(', ').replaceAll('writ.trust.', '') || 'allow';
}

const table: [facts: Partial<TrustFacts>, answer: string][] = [
  // Targets: ≥ 2 for risk 1–3, ≥ 3 for 4–5, 4 for risk 5 once tainted.
  [{ risk: 0, target: 0 }, 'allow'],
  [{ risk: 1, target: 1 }, 'ask target'],
  [{ risk: 1, target: 2 }, 'allow'],
  [{ risk: 3, target: 1 }, 'ask target'],
  [{ risk: 3, target: 2 }, 'allow'],
  [{ risk: 4, target: 2 }, 'ask target'],
  [{ risk: 4, target: 3, floor: 1 }, 'allow'],
  [{ risk: 5, target: 3 }, 'allow'],
  [{ risk: 5, target: 3, floor: 1 }, 'ask target'],
  [{ risk: 5, target: 4, floor: 1 }, 'allow'],
  // Values: ≥ 2, or any when every target is 4.
  [{ value: 1, target: 3 }, 'ask value'],
  [{ value: 1, target: 4 }, 'allow'],
  [{ value: 1, target: null }, 'ask value'],
  [{ value: 2, target: null }, 'allow'],
  [{ risk: 0, value: 0 }, 'allow'],
  // Dates: tainted, and a tool that is itself of risk 2.
  [{ risk: 2, floor: 1, datesGiven: false }, 'ask date'],
  [{ risk: 2, floor: 2, datesGiven: false }, 'allow'],
  [{ risk: 4, baseRisk: 2, floor: 1, datesGiven: false }, 'ask date'],
  [{ risk: 4, floor: 1, datesGiven: false }, 'allow'],
  // Payloads may be tainted; what leads somewhere may not, from risk 3.
  [{ risk: 3, activeToken: 1, floor: 1 }, 'ask payload'],
  [{ risk: 3, activeToken: 2, floor: 1 }, 'allow'],
  [{ risk: 2, activeToken: 0, floor: 1 }, 'allow'],
  // Secrets and scope: asked about while clean, refused once tainted.
  [{ secret: 'leaves' }, 'ask secret'],
  [{ secret: 'leaves', floor: 1 }, 'deny secret'],
  [{ secret: 'unknown', floor: 1 }, 'ask secret_unknown'],
  [{ inTask: false }, 'ask out_of_task'],
  [{ inTask: false, floor: 1 }, 'deny out_of_task'],
  [{ risk: 0, inTask: false, floor: 1 }, 'deny out_of_task'],
  // Without a prompt everything with an effect asks; with one that did not arrive it is refused.
  [{ prompt: 'none', risk: 2 }, 'ask no_prompt'],
  [{ prompt: 'none', risk: 1, target: 2 }, 'allow'],
  [{ prompt: 'none', risk: 4, inTask: false, floor: 1 }, 'ask no_prompt'],
  [{ prompt: 'missing', risk: 2, floor: 0 }, 'deny prompt_missing'],
  [{ prompt: 'missing', risk: 1, target: 0, floor: 0 }, 'ask target'],
  // Every rule is named, the refusals first.
  [
    { risk: 5, target: 1, value: 1, inTask: false, secret: 'leaves', activeToken: 1, floor: 1 },
    'deny secret, deny out_of_task, ask target, ask value, ask payload',
  ],
];

describe('trust rules', () => {
  for (const [some, answer] of table)
    test(`${JSON.stringify(some)}: ${answer}`, () => assert.equal(spoken(some), answer));
});

test('questions name the argument they are about', () => {
  const { questions } = judgeTrust(facts({ target: 1, value: 1, activeToken: 0 }), places);
  assert.deepEqual(
    questions.map(({ code, argument }) => [code, argument]),
    [
      ['action.target_untrusted', '/to'],
      ['action.value_untrusted', '/n'],
      ['action.payload_active', '/body'],
    ],
  );
});

const level = fc.constantFrom<Level>(0, 1, 2, 3, 4);
const anyFacts: fc.Arbitrary<TrustFacts> = fc
  .record({
    risk: fc.nat(5),
    prompt: fc.constantFrom('direct', 'relayed', 'mandate', 'none', 'missing'),
    floor: level,
    inTask: fc.boolean(),
    target: fc.option(level),
    value: fc.option(level),
    datesGiven: fc.boolean(),
    activeToken: fc.option(level),
    secret: fc.constantFrom('none', 'leaves', 'unknown'),
  })
  .map((some) => facts(some as Partial<TrustFacts>));

const severity = (some: TrustFacts): number => {
  const { denials, questions } = judgeTrust(some, places);
  return denials.length > 0 ? 2 : questions.length > 0 ? 1 : 0;
};

describe('for any facts', () => {
  test('less trust never gives a milder answer', () => {
    fc.assert(
      fc.property(anyFacts, level, level, level, (some, floor, target, activeToken) => {
        const least = (a: Level, b: Level): Level => (a < b ? a : b);
        const low = least(some.floor, floor);
        const worse: TrustFacts = {
          ...some,
          floor: low,
          tainted: low <= 1,
          target: some.target === null ? null : least(some.target, target),
          activeToken: some.activeToken === null ? activeToken : least(some.activeToken, activeToken),
        };
        assert.ok(severity(worse) >= severity(some));
      }),
    );
  });

  test('more risk never gives a milder answer', () => {
    fc.assert(
      fc.property(anyFacts, fc.nat(5), (some, risk) => {
        fc.pre(risk >= some.risk);
        assert.ok(severity({ ...some, risk }) >= severity(some));
      }),
    );
  });

  test('a missed threshold asks and never denies by itself', () => {
    fc.assert(
      fc.property(anyFacts, (some) => {
        const calm: TrustFacts = { ...some, secret: 'none', inTask: true, prompt: 'direct' };
        assert.deepEqual(judgeTrust(calm, places).denials, []);
      }),
    );
  });
});

test('the plain rule forbids what is riskier than the floor', () => {
  for (const floor of [0, 1, 2, 3, 4] as const) {
    for (let risk = 0; risk <= 5; risk++) {
      const { denials } = judgeFloorRule({ floor, risk });
      assert.deepEqual(
        denials.map(({ code }) => code),
        floor < risk ? ['action.policy_forbids'] : [],
      );
    }
  }
});
