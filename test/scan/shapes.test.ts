// Every issuer's shape in every place that a configuration has for it: found, called by its name, and never shown.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fabricate, randomFrom, SHAPES } from './corpus/fabricate.ts';
import { scanned } from './run-scan.ts';

interface Spot {
  readonly name: string;
  readonly file: string;
  readonly text: (secret: string) => string;
  /** Shapes with characters that the place cannot hold as they are. */
  readonly not?: RegExp;
}

const json = (entry: object) => JSON.stringify({ mcpServers: { s: entry } }, null, 2).replaceAll('\\\\n', '\\n');

const SPOTS: readonly Spot[] = [
  { name: 'the environment', file: '.cursor/mcp.json', text: (it) => json({ command: 'node', env: { X: it } }) },
  { name: 'a header', file: '.mcp.json', text: (it) => json({ url: 'http://127.0.0.1/mcp', headers: { 'X-It': it } }) },
  {
    name: 'a bearer header',
    file: '.mcp.json',
    text: (it) => json({ url: 'http://127.0.0.1/mcp', headers: { Authorization: `Bearer ${it}` } }),
    not: /PRIVATE/,
  },
  { name: 'an argument', file: '.mcp.json', text: (it) => json({ command: 'node', args: ['s.js', it] }) },
  { name: 'an option', file: '.mcp.json', text: (it) => json({ command: 'node', args: [`--it=${it}`] }) },
  {
    name: 'a variable of a container',
    file: '.mcp.json',
    text: (it) => json({ command: 'docker', args: ['run', '-e', `IT=${it}`, 'i:1'] }),
  },
  {
    name: 'a script',
    file: '.mcp.json',
    text: (it) => json({ command: 'sh', args: ['-c', `IT=${it} node s.js`] }),
    not: /PRIVATE/,
  },
  {
    name: 'the query of an address',
    file: '.mcp.json',
    text: (it) => json({ url: `http://127.0.0.1/mcp?it=${it}` }),
    not: /[ /:+]/,
  },
  {
    name: 'the path of an address',
    file: '.mcp.json',
    text: (it) => json({ url: `http://127.0.0.1/s/${it}/mcp` }),
    not: /[ /:+]/,
  },
  {
    name: 'JSON in a variable',
    file: '.mcp.json',
    text: (it) => json({ command: 'node', env: { H: `{"it": "${it}"}` } }),
    not: /PRIVATE/,
  },
  { name: 'a comment', file: 'opencode.jsonc', text: (it) => `{\n  // ${it}\n  "mcp": {}\n}` },
  {
    name: 'a setting elsewhere',
    file: '.zed/settings.json',
    text: (it) => `{ "language_models": { "x": { "it": "${it}" } } }`,
  },
  {
    name: 'TOML',
    file: '.codex/config.toml',
    text: (it) => `[mcp_servers.s]\ncommand = "node"\nenv = { "X" = "${it}" }\n`,
  },
  {
    name: 'a literal text of TOML',
    file: '.codex/config.toml',
    text: (it) => `[mcp_servers.s]\nurl = 'http://127.0.0.1/mcp'\nhttp_headers = { X = '${it}' }\n`,
  },
];

const home = mkdtempSync(join(tmpdir(), 'writ-shapes-'));
after(() => rmSync(home, { recursive: true }));
const random = randomFrom(20_261);

for (const spot of SPOTS) {
  describe(`in ${spot.name}`, () => {
    test('every shape is found, once, by its name', async () => {
      const folder = mkdtempSync(join(home, 'spot-'));
      const seeded = Object.entries(SHAPES).flatMap(([shape, { says }]) => {
        const secret = fabricate(shape, random);
        if (spot.not?.test(secret)) return [];
        const file = join(folder, shape, spot.file);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, spot.text(secret));
        return [{ file, says, secret }];
      });
      assert.ok(seeded.length >= 40, String(seeded.length));
      const said = await scanned([folder, '--no-probe']);
      const found = said.findings.filter(({ rule }) => rule === 'secret-in-config');
      const names = (list: readonly { file: string | null; says: string }[]) =>
        list.map(({ file, says }) => `${file} ${says}`).toSorted();
      const named = found.map((one) => ({
        file: one.file,
        says: /holds an? (.+?): /.exec(one.evidence)?.[1] ?? one.evidence,
      }));
      assert.deepEqual(names(named), names(seeded));
      const text = JSON.stringify(said);
      assert.deepEqual(
        seeded.filter(
          ({ secret }) =>
            text.includes(secret.slice(4, 14)) && !secret.startsWith('-----') && !secret.startsWith('https:'),
        ),
        [],
      );
    });
  });
}
