// `npm test`: everything that needs nothing but Node. Ends with `N passed, N failed, N skipped`.

import { runTests, total } from './lib/run-tests.ts';

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const counts = await runTests({
  patterns: wanted.length > 0 ? wanted : ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
  quiet: process.argv.includes('--quiet'),
});
console.log(total(counts));
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
