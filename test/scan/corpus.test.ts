// The corpus through the whole command: nothing of what was seeded is missed, and nothing is said that is not so.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { randomFrom } from './corpus/fabricate.ts';
import { type Corpus, writeCorpus } from './corpus/read-corpus.ts';
import { runScan } from './run-scan.ts';

const seeds = [1, 2, 3, 4, 5];

interface Said {
  readonly findings: readonly {
    readonly file: string;
    readonly line: number;
    readonly rule: string;
    readonly evidence: string;
  }[];
  readonly scanned: readonly { readonly file: string }[];
  readonly probes: readonly unknown[];
}

for (const seed of seeds) {
  describe(`with secrets drawn from seed ${seed}`, () => {
    const home = mkdtempSync(join(tmpdir(), 'writ-corpus-'));
    let corpus: Corpus;
    let output = '';
    let said: Said;
    before(async () => {
      corpus = writeCorpus(home, randomFrom(seed));
      const ran = await runScan(['--root', home, '--no-probe', '--json']);
      assert.equal(ran.exitCode, 1);
      output = ran.stdout + ran.stderr;
      said = JSON.parse(ran.stdout);
    });
    after(() => rmSync(home, { recursive: true }));

    test('all configurations are read, and there are enough of them to mean something', () => {
      const scanned = said.scanned.map(({ file }) => relative(home, file)).toSorted();
      assert.deepEqual(scanned, corpus.files.toSorted());
      assert.ok(corpus.files.length >= 40, String(corpus.files.length));
    });

    test('0 missed, 0 false', () => {
      const found = said.findings.map(({ file, line, rule }) => `${relative(home, file)}:${line} ${rule}`).toSorted();
      assert.deepEqual(without(corpus.truth, found), [], 'missed');
      assert.deepEqual(without(found, corpus.truth), [], 'said and not so');
      assert.ok(corpus.truth.length >= 80, String(corpus.truth.length));
    });

    test('no secret leaves the command, nor five characters in a row of one', () => {
      const windows = (secret: string) =>
        Array.from({ length: secret.length - 4 }, (_, i) => secret.slice(i, i + 5)).filter(isDrawn);
      assert.ok(corpus.secrets.flatMap(windows).length > 500);
      assert.deepEqual(
        corpus.secrets.filter(
          (secret) => output.includes(secret) || windows(secret).some((part) => output.includes(part)),
        ),
        [],
      );
    });
  });
}

/** Of the secret itself: prefixes and words are no secret, and do not mix all three kinds of characters. */
function isDrawn(part: string): boolean {
  return /[0-9]/.test(part) && /[A-Z]/.test(part) && /[a-z]/.test(part);
}

/** Of a list with repetitions: what the other does not have as often. */
function without(list: readonly string[], other: readonly string[]): readonly string[] {
  const left = [...other];
  return list.filter((one) => {
    const at = left.indexOf(one);
    if (at === -1) return true;
    left.splice(at, 1);
    return false;
  });
}
