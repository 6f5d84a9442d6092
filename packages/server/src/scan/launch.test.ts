import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Word } from './configuration.ts';
import { containerOptions, fetchedBy, unwrapped } from './launch.ts';

const place = { file: 'f', line: 1, column: 1, endColumn: null };
const words = (...texts: string[]): Word[] => texts.map((text) => ({ text, place }));

const fetched: [command: string[], spec: string | null, pinned?: boolean][] = [
  [['npx', '-y', 'pkg'], 'pkg', false],
  [['npx', '-y', 'pkg@1.2.3'], 'pkg@1.2.3', true],
  [['npx', '-y', '@scope/pkg@1.2.3-rc.1'], '@scope/pkg@1.2.3-rc.1', true],
  [['npx', '-y', '@scope/pkg'], '@scope/pkg', false],
  [['npx', 'pkg@latest'], 'pkg@latest', false],
  [['npx', 'pkg@^1.2.3'], 'pkg@^1.2.3', false],
  [['npx', 'pkg@1'], 'pkg@1', false],
  [['npx', '-p', 'pkg@1.0.0', 'bin'], 'pkg@1.0.0', true],
  [['npx', '--package=pkg', 'bin'], 'pkg', false],
  [['npx', '--registry', 'https://r.example', 'pkg'], 'pkg', false],
  [['npx', 'github:o/r'], 'github:o/r', false],
  [['npx', `github:o/r#${'a'.repeat(40)}`], `github:o/r#${'a'.repeat(40)}`, true],
  [['npx', '--no-install', 'pkg'], null],
  [['npx', './local'], null],
  [['C:\\Program Files\\nodejs\\npx.cmd', '-y', 'pkg'], 'pkg', false],
  [['cmd', '/c', 'npx', '-y', 'pkg'], 'pkg', false],
  [['sh', '-lc', 'cd /x && A=b npx -y pkg --flag'], 'pkg', false],
  [['npx -y pkg'], 'pkg', false],
  [['env', 'A=b', 'uvx', 'pkg'], 'pkg', false],
  [['npm', 'exec', '--yes', 'pkg@1.0.0'], 'pkg@1.0.0', true],
  [['npm', 'start'], null],
  [['pnpm', 'dlx', 'pkg'], 'pkg', false],
  [['yarn', 'dlx', 'pkg'], 'pkg', false],
  [['bun', 'x', 'pkg'], 'pkg', false],
  [['bunx', 'pkg@2.0.0'], 'pkg@2.0.0', true],
  [['uvx', 'pkg==1.2'], 'pkg==1.2', true],
  [['uvx', 'pkg@1.2.3'], 'pkg@1.2.3', true],
  [['uvx', 'pkg@latest'], 'pkg@latest', false],
  [['uvx', '--python', '3.12', 'pkg'], 'pkg', false],
  [['uvx', '--from', 'git+https://x.example/r', 'bin'], 'git+https://x.example/r', false],
  [['uv', 'tool', 'run', 'pkg[extra]==1.0'], 'pkg[extra]==1.0', true],
  [['uv', 'run', 'server.py'], null],
  [['pipx', 'run', '--spec', 'pkg==1.0', 'bin'], 'pkg==1.0', true],
  [['docker', 'run', '-i', '--rm', '-e', 'A', 'o/i'], 'o/i', false],
  [['docker', 'run', '-i', 'o/i:latest'], 'o/i:latest', false],
  [['docker', 'run', '-i', 'r.example:5000/o/i'], 'r.example:5000/o/i', false],
  [['docker', 'run', '--name', 'x', '-v', '/a:/b', 'o/i:1.2'], 'o/i:1.2', true],
  [['podman', 'run', `o/i@sha256:${'0'.repeat(64)}`], `o/i@sha256:${'0'.repeat(64)}`, true],
  [['docker', 'compose', 'up'], null],
  [['deno', 'run', '-A', 'npm:pkg@1.0.0'], 'npm:pkg@1.0.0', true],
  [['deno', 'run', '-A', 'jsr:@s/pkg'], 'jsr:@s/pkg', false],
  [['deno', 'run', 'main.ts'], null],
  [['node', 'server.js'], null],
  [[], null],
];
for (const [command, spec, pinned] of fetched) {
  test(`\`${command.join(' ')}\` fetches ${spec === null ? 'nothing' : `${spec}, ${pinned ? 'pinned' : 'whatever is newest'}`}`, () => {
    const found = fetchedBy(words(...command));
    assert.equal(found?.spec.text ?? null, spec);
    assert.equal(found?.pinned, pinned);
  });
}

test('wrappers are taken off in layers', () => {
  const left = unwrapped(words('sudo', 'env', 'A=b', 'bash', '-c', 'exec "/opt/my tool/run" --flag'));
  assert.deepEqual(
    left.map(({ text }) => text),
    ['/opt/my tool/run', '--flag'],
  );
});

test('options of a container end at its image', () => {
  const { options, image } = containerOptions(words('--rm', '-i', '-eA=b', '--network', 'none', 'img', '-v', '/:/x'));
  assert.equal(image?.text, 'img');
  assert.deepEqual(
    options.map(({ text }) => text),
    ['--rm', '-i', '-eA=b', '--network', 'none'],
  );
});
