// What still gets through, as docs/threat-model.md publishes it: made from the cases that say so, which the runner plays as well, so
// that the list is true on the day it is read.

import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type AttackCase, parseAttacks } from './case.ts';

export interface Family {
  readonly title: string;
  readonly about: string;
  readonly cases: readonly AttackCase[];
}

/** The files about the action gate, by name. */
export function gateFamilies(): readonly Family[] {
  return globSync(`${import.meta.dirname}/{action,adaptive}-*.json`)
    .sort()
    .map((file) => ({ title: basename(file, '.json'), ...parseAttacks(file, readFileSync(file)) }));
}

const BEGIN = '<!-- begin: made from test/attacks/*.json by `npm run check -- --write` -->';
const END = '<!-- end -->';

/** The page with its list renewed. Throws when there is no place for it. */
export function withThrough(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error('docs/threat-model.md has no place for what gets through');
  return `${before}${BEGIN}\n\n${throughList()}\n${END}${after}`;
}

function throughList(): string {
  const families = gateFamilies();
  const open = families.flatMap(({ title, cases }) => cases.map((one) => ({ title, ...one }))).filter(isOpen);
  const adaptive = families.filter(({ title }) => title.startsWith('adaptive-')).flatMap(({ cases }) => cases);
  const attacks = adaptive.filter(({ benign }) => !benign);
  const lines = open.map(
    ({ name, story, through }) => `| ${name} | ${story} | ${through!.risk} | ${through!.because} |`,
  );
  const head = `Looked for with the code at hand: ${open.length} of ${attacks.length} attacks that were written against this very gate.`;
  const files = [...new Set(open.map(({ title }) => `\`${title}\``))].join(', ');
  return [
    `${head} They stand in ${files}; each runs by`,
    'its name, `WRIT_ATTACK="<name>" npm run attacks`, and fails there on the day it is refused.',
    '',
    '| attack | story | risk | why it is not refused |',
    '|---|---|---|---|',
    ...lines.map((line) => line.replaceAll('\n', ' ')),
    '',
  ].join('\n');
}

function isOpen({ through }: AttackCase): boolean {
  return through !== null;
}
