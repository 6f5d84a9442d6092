// Documents that are made from code or data, so that they cannot tell another story: docs/denials.md from DENIALS,
// docs/conformance.md from what `npm run interop -- --write` measured, a part of docs/threat-model.md from the attacks that get through.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { DENIALS, type DenialCode, layerOf } from '@writ/core';
import { withThrough } from '../../test/attacks/through.ts';
import { peers } from '../interop/peers.ts';
import { conformancePage } from './conformance.ts';

const documents: Record<string, () => string> = {
  'docs/denials.md': denialsPage,
  'docs/conformance.md': () => conformancePage(peers),
  'docs/threat-model.md': () => withThrough(readFileSync('docs/threat-model.md', 'utf8')),
};

/** Names of documents that differ from what the code says; with `write` they are renewed. */
export function generatedDocs({ write }: { write: boolean }): string[] {
  return Object.entries(documents)
    .filter(([file, make]) => {
      const wanted = make();
      if (existsSync(file) && readFileSync(file, 'utf8') === wanted) return false;
      if (write) writeFileSync(file, wanted);
      return !write;
    })
    .map(([file]) => file);
}

function denialsPage(): string {
  const lines = [
    '# Denials',
    '',
    'Every way Writ says no. The part before the dot is the layer that spoke. The sentence is what a caller reads; numbers and',
    'names stay on the operator’s side: `writ explain <decision id>`. Made from `packages/core/src/denial.ts`.',
  ];
  let layer = '';
  for (const code of Object.keys(DENIALS) as DenialCode[]) {
    if (layerOf(code) !== layer) {
      layer = layerOf(code);
      lines.push('', `## ${layer}`, '', '| code | the caller reads | rule |', '|---|---|---|');
    }
    lines.push(`| \`${code}\` | ${DENIALS[code].says} | ${DENIALS[code].spec} |`);
  }
  return `${lines.join('\n')}\n`;
}
