// Holds ARCHITECTURE.md true: imports point left, rooms on the server meet only in main and spine, core touches nothing.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const sources = globSync('packages/*/src/**/*.ts', { cwd: root }).filter(
  (file) => !/\.(test|property\.test|fixture)\.ts$/.test(file) && !file.includes('/gen/'),
);

interface Import {
  readonly file: string;
  readonly from: string;
  /** Repository path for a relative import, else the specifier. */
  readonly to: string;
}

const imports: Import[] = sources.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  const found = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+'([^']+)'|import\('([^']+)'\)|(?:^|\n)import\s+'([^']+)'/g,
    ),
  ];
  return found.map((match) => {
    const from = (match[1] ?? match[2] ?? match[3])!;
    const to = from.startsWith('.') ? relative(root, resolve(root, dirname(file), from)) : from;
    return { file, from, to };
  });
});

function room(path: string): string | null {
  return /^packages\/\w+\/src\/([\w-]+)\//.exec(path)?.[1] ?? null;
}

function complaints(rule: (one: Import) => string | null): string[] {
  return imports.flatMap((one) => {
    const why = rule(one);
    return why === null ? [] : [`${one.file} imports ${one.from}: ${why}`];
  });
}

const corePicture = ['std', 'transport', 'token', 'action', 'decision', 'audit'];
const shared = new Set(['packages/core/src/verdict.ts', 'packages/core/src/denial.ts']);

test('core imports nothing from outside core, except the one engine that says so', () => {
  assert.deepEqual(
    complaints(({ file, to }) => {
      if (!file.startsWith('packages/core/') || to.startsWith('packages/core/src/')) return null;
      if (file === 'packages/core/src/node/engine.ts' && to === 'node:crypto') return null;
      return 'core judges values; time, keys, hashing and randomness are handed in as arguments';
    }),
    [],
  );
});

test('core rooms import only from rooms left of them in the picture', () => {
  assert.deepEqual(
    complaints(({ file, to }) => {
      const here = room(file);
      if (!file.startsWith('packages/core/src/') || here === null || shared.has(to)) return null;
      const there = room(to);
      if (here === 'node') return there === 'std' || there === null ? null : 'the engine knows bytes, not rooms';
      if (there === null || there === here) return null;
      return corePicture.indexOf(there) < corePicture.indexOf(here)
        ? null
        : `the picture reads ${corePicture.join(' → ')}, and \`${there}\` stands right of \`${here}\``;
    }),
    [],
  );
});

test('core has no clock and no randomness', () => {
  const guilty = sources
    .filter((file) => file.startsWith('packages/core/src/'))
    .filter((file) =>
      /\bDate\.now\(|new Date\(\)|Math\.random\(|crypto\.getRandomValues|performance\.now\(|setTimeout\(/.test(
        readFileSync(join(root, file), 'utf8'),
      ),
    );
  assert.deepEqual(guilty, [], 'take `nowSeconds` or the random bytes as an argument');
});

const meetingPlaces =
  /^packages\/server\/src\/(main|plane|wiring)[\w-]*\.ts$|^packages\/server\/src\/main\/|^packages\/server\/src\/cli\//;

test('rooms on the server know core and the store, and meet only where main wires them', () => {
  assert.deepEqual(
    complaints(({ file, to }) => {
      const here = room(file);
      if (!file.startsWith('packages/server/src/') || here === null || meetingPlaces.test(file)) return null;
      if (!to.startsWith('packages/server/src/')) return null;
      const there = room(to);
      if (there === null || there === here || there === 'store' || there === 'config') return null;
      return `ask \`main\` for a port instead of reaching into \`${there}\``;
    }),
    [],
  );
});

test('the store knows core only', () => {
  assert.deepEqual(
    complaints(({ file, to }) =>
      file.startsWith('packages/server/src/store/') && to.startsWith('packages/server/src/') && room(to) !== 'store'
        ? 'the store serves every room and knows none'
        : null,
    ),
    [],
  );
});

test('the agent needs core and Node, and nobody else’s code', () => {
  assert.deepEqual(
    complaints(({ file, to }) => {
      if (!file.startsWith('packages/agent/src/')) return null;
      if (to.startsWith('packages/agent/src/') || to === '@writ/core' || to === '@writ/core/node') return null;
      if (to.startsWith('node:')) {
        return file.startsWith('packages/agent/src/node/') || to === 'node:async_hooks'
          ? null
          : 'Node-only parts live behind @writ/agent/node';
      }
      return 'an agent author installs two packages and no third-party code';
    }),
    [],
  );
  const manifest = JSON.parse(readFileSync(join(root, 'packages/agent/package.json'), 'utf8'));
  assert.deepEqual(Object.keys(manifest.dependencies), ['@writ/core']);
});

test('core has an empty dependency list', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'packages/core/package.json'), 'utf8'));
  assert.equal(manifest.dependencies, undefined);
});

test('protocol words live in their protocol’s folder', () => {
  const words: [RegExp, string][] = [
    [/['"`]2026-07-28|io\.modelcontextprotocol\//, 'mcp'],
    [/TASK_STATE_|a2a-protocol\.org/, 'a2a'],
  ];
  const guilty = sources
    .filter((file) => file.startsWith('packages/server/src/') || file.startsWith('packages/core/src/'))
    .flatMap((file) => {
      const code = readFileSync(join(root, file), 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
      return words
        .filter(([word, home]) => word.test(code) && !file.includes(`/gateway/${home}/`))
        .map(([, home]) => `${file} speaks ${home}`);
    });
  assert.deepEqual(guilty, []);
});

test('the import reader reads imports', () => {
  assert.ok(imports.length > 100, 'too few imports found: the pattern above has gone blind');
  assert.ok(imports.some(({ from }) => from === '@writ/core'));
});
