import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compilePattern, patternTextCharsMax } from './pattern.ts';

function matches(source: string, text: string): boolean | null {
  const compiled = compilePattern(source);
  if ('says' in compiled) throw new Error(compiled.says);
  return compiled.pattern.test(text);
}

test('agrees with RegExp on every pattern it accepts', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '\\d',
    '\\w',
    '\\b',
    '^',
    '$',
    'é',
    '\\u0061',
    '[a-c\\-]',
    '\\.',
    '\\p{L}',
  );
  const suffix = fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{0,2}?', '*?', '{1,}');
  const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
    pattern: fc.oneof(
      { maxDepth: 4 },
      atom,
      fc.tuple(tie('pattern'), tie('pattern')).map(([x, y]) => `${x}${y}`),
      fc.tuple(tie('pattern'), tie('pattern')).map(([x, y]) => `(?:${x}|${y})`),
      fc.tuple(tie('pattern'), suffix).map(([x, y]) => `(?:${x})${y}`),
      tie('pattern').map((x) => `(?=${x})`),
      tie('pattern').map((x) => `(?!${x})`),
      tie('pattern').map((x) => `(?<name>${x})`.replace('?<name>', x.includes('(?<') ? '' : '?<name>')),
    ),
  }));
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', '-', '.', 'é', '1', ' '), { maxLength: 8 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(pattern, text, (source, sample) => {
      let expected: RegExp;
      try {
        expected = new RegExp(source, 'u');
      } catch {
        assert.equal('says' in compilePattern(source), true);
        return;
      }
      assert.equal(matches(source, sample), expected.test(sample), source);
    }),
    { numRuns: 3000 },
  );
});

test('counts in characters, not in UTF-16 units', () => {
  assert.equal(matches('^.$', '😀'), true);
  assert.equal(matches('^\\u{1F600}$', '😀'), true);
  assert.equal(matches('^\\uD83D\\uDE00$', '😀'), true);
  assert.equal(matches('^..$', '😀'), false);
});

describe('what makes a backtracking engine run away', () => {
  // No clock here: a backtracking engine would not come back from any of these, and the runner's own limit says so.
  test('is answered', () => {
    const long = 'a'.repeat(patternTextCharsMax - 1);
    for (const source of ['^(a+)+$', '^(a|a)*$', '^(a*)*b', '^(?:a?){30}a{30}$']) {
      assert.equal(matches(source, `${long}!`), false, source);
    }
  });

  test('is undecided past the bounds, never a match', () => {
    assert.equal(matches('^a*$', 'a'.repeat(patternTextCharsMax + 1)), null);
    const greedy = '(?=(a*)*b)(a*)*(a*)*c';
    assert.equal(matches(greedy, 'a'.repeat(3000)), null);
    assert.equal(matches('(?!(a*)*(a*)*(a*)*(a*)*b)a*d', 'a'.repeat(4000)), null);
  });

  test('is refused when it is too large to look at', () => {
    for (const source of ['a{100000}', '((?:){4000}){4000}', '(((a{99}){99}){99}){99}', 'a'.repeat(2000)]) {
      assert.equal('says' in compilePattern(source), true, source.slice(0, 20));
    }
  });
});

test('what it cannot say is refused by name', () => {
  const says = (source: string): string => {
    const compiled = compilePattern(source);
    return 'says' in compiled ? compiled.says : '';
  };
  assert.match(says('(?<=a)b'), /^look-behind/);
  assert.match(says('(a)\\1'), /^a back-reference/);
  assert.match(says('(?<n>a)\\k<n>'), /^a back-reference/);
  assert.match(says('(?i:a)'), /^a flag group/);
  assert.match(says('(a'), /not a regular expression/);
});
