// For tests of this room: a table of texts and the one problem each of them has.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from './load.ts';
import type { Problem } from './problems.ts';

export const head = 'version: 1\ntrustDomain: zylos.local\n';

/** Two agents for texts that are about something else. */
export const agents = 'agents:\n  a/one: { attest: { uid: 1 } }\n  a/two: { attest: { uid: 2 } }\n';

/** `text` follows the two lines every file begins with, so its first line is line 3. */
export function problemsOf(text: string, planeUid = 1000): readonly Problem[] {
  const loaded = parseConfig(head + text, 'writ.yaml', { planeUid });
  return 'problems' in loaded ? loaded.problems : [];
}

type Row = [title: string, text: string, place: string, path: string, says: RegExp, expected: RegExp];

export function check(rows: readonly Row[]): void {
  for (const [title, text, place, path, says, expected] of rows) {
    test(title, () => {
      const problems = problemsOf(text);
      assert.equal(problems.length, 1, JSON.stringify(problems, null, 2));
      const [problem] = problems as [Problem];
      assert.equal(problem.file, 'writ.yaml');
      assert.equal(`${problem.line}:${problem.column}`, place);
      assert.equal(problem.path, path);
      assert.match(problem.says, says);
      assert.match(problem.expected, expected);
    });
  }
}
