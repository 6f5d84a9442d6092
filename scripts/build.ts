// `npm run build`: what is published. Each package to its own `dist`, JavaScript and types, in the order they depend on each other.

import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

for (const name of ['core', 'agent', 'server']) {
  const folder = join('packages', name);
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  const project = join(folder, 'tsconfig.build.json');
  writeFileSync(project, `${JSON.stringify(projectFor(), null, 2)}\n`);
  try {
    const { status } = spawnSync(process.execPath, ['node_modules/typescript7/bin/tsc', '-p', project], {
      stdio: 'inherit',
    });
    if (status !== 0) process.exit(1);
  } finally {
    rmSync(project, { force: true });
  }
  console.log(`built ${folder}/dist`);
}

/** The published form knows no sources: other packages are found as a user finds them, by their `dist`. */
function projectFor(): object {
  return {
    extends: '../../tsconfig.json',
    compilerOptions: {
      noEmit: false,
      outDir: 'dist',
      rootDir: 'src',
      declaration: true,
      allowImportingTsExtensions: false,
      rewriteRelativeImportExtensions: true,
      customConditions: [],
    },
    include: ['src/**/*.ts'],
    exclude: [
      'src/**/*.test.ts',
      'src/**/*.fixture.ts',
      'src/**/testing.ts',
      'src/**/*fixtures.ts',
      'src/**/fixture.ts',
      'src/**/*bench.ts',
      'src/**/crash-check.ts',
      'src/**/*-differential.ts',
      'src/**/*-worlds.ts',
    ],
  };
}
