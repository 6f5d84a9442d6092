// Keeps what a comparison of the two Cedar evaluators found, for docs/conformance.md:
//
//   node --conditions=writ-source packages/server/src/action/cedar-differential.ts --worlds 100000 --seed 1 |
//     node --conditions=writ-source scripts/keep-differential.ts

import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { type Differential, keepConformance } from './lib/conformance.ts';
import { generatedDocs } from './lib/generated-docs.ts';

// Its first line has the counts; after it come the differences themselves, for whoever looks at the terminal.
const [line = ''] = (await text(process.stdin)).split('\n');
const { seconds: _, ...found } = JSON.parse(line) as Omit<Differential, 'oracle'> & { readonly seconds: number };
const manifest = JSON.parse(readFileSync('node_modules/@cedar-policy/cedar-wasm/package.json', 'utf8'));
keepConformance({ cedar: { oracle: String(manifest.version), ...found } });
generatedDocs({ write: true });
process.exitCode = found.differences === 0 ? 0 : 1;
