// From the corpus to files on disk and the truth about them. The format is told in README.md.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fabricate, type Random } from './fabricate.ts';

export interface Corpus {
  /** `path:line rule`, one for each mark. */
  readonly truth: readonly string[];
  /** Every secret that was written. */
  readonly secrets: readonly string[];
  /** Paths below the home. */
  readonly files: readonly string[];
}

export function writeCorpus(home: string, random: Random): Corpus {
  const secrets = new Map<string, string>();
  const truth: string[] = [];
  const files: string[] = [];
  for (const name of readdirSync(import.meta.dirname)
    .filter((one) => one.endsWith('.txt'))
    .toSorted()) {
    for (const { path, text } of sections(readFileSync(join(import.meta.dirname, name), 'utf8'))) {
      const lines = text.split('\n').flatMap((line) => {
        const marks = [...line.matchAll(/«([a-z-]+)»/g)].map(([, rule]) => rule!);
        const plain = line.replace(/\s*«[a-z-]+»/g, '');
        const isAboutFile = marks.length > 0 && plain.trim() === '';
        return [{ plain, marks, isAboutFile }];
      });
      const kept = lines.filter(({ isAboutFile }) => !isAboutFile);
      for (const { marks } of lines.filter(({ isAboutFile }) => isAboutFile))
        truth.push(...marks.map((rule) => `${path}:1 ${rule}`));
      for (const [i, { marks }] of kept.entries()) truth.push(...marks.map((rule) => `${path}:${i + 1} ${rule}`));
      const filled = kept
        .map(({ plain }) => plain)
        .join('\n')
        .replaceAll(/\{\{([a-z-]+)(?:=(\w+))?\}\}/g, (_, shape: string, same: string | undefined) => {
          const key = same === undefined ? `#${secrets.size}` : `${shape}=${same}`;
          const made = secrets.get(key) ?? fabricate(shape, random);
          secrets.set(key, made);
          return made;
        });
      const file = join(home, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, filled, { mode: 0o600 });
      files.push(path);
    }
  }
  return { truth: truth.toSorted(), secrets: [...secrets.values()], files };
}

function sections(text: string): readonly { path: string; text: string }[] {
  return text
    .split(/^-- (.+) --\n/m)
    .slice(1)
    .reduce<{ path: string; text: string }[]>((all, part, i) => {
      if (i % 2 === 0) all.push({ path: part, text: '' });
      else all.at(-1)!.text = part;
      return all;
    }, []);
}
