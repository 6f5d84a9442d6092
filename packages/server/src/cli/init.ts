// `writ init`: a first writ.yaml. With --from it takes over the servers of an MCP client's configuration; secrets become
// references and go to a file of their own. Whatever it writes over is kept, and --undo puts it back.

import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { isJsonObject, parseStrictJson } from '@writ/core';
import { manifestJsonSchema, manifestSchemaFileName } from '../action/manifest-schema.ts';
import { configFileName } from '../config/defaults.ts';
import { configJsonSchema, schemaFileName } from '../config/json-schema.ts';
import { parseConfig } from '../config/load.ts';
import { type ClientServers, serversOf } from './init-client-config.ts';
import { firstConfig, secretsText } from './init-template.ts';
import { undoWrites, writeWithBackup } from './init-undo.ts';
import { usage } from './stop.ts';
import { verb } from './verb.ts';

const secretsFileName = 'writ.env';

/** Made anew every time: nobody writes in them. */
const SCHEMAS = [schemaFileName, manifestSchemaFileName];

export default verb({
  summary: 'write a first writ.yaml',
  options: {
    config: { type: 'string', valueHint: 'file', default: configFileName, description: 'file to write' },
    from: { type: 'string', valueHint: 'file', description: 'configuration of an MCP client, with `mcpServers`' },
    'trust-domain': {
      type: 'string',
      valueHint: 'name',
      default: 'writ.local',
      description: 'name of the trust domain',
    },
    force: { type: 'boolean', description: 'write over files that exist; --undo puts them back' },
    undo: { type: 'boolean', description: 'take back the last `writ init` here' },
  },
  async run({ args, terminal }) {
    const file = resolve(args.config);
    const folder = dirname(file);
    if (args.undo) {
      const undone = undoWrites(folder);
      terminal.answer(undone, () =>
        [...undone.removed.map((one) => `removed ${one}`), ...undone.restored.map((one) => `put back ${one}`)].join(
          '\n',
        ),
      );
      for (const kept of undone.kept) terminal.note(`writ: ${kept} was changed since and stays as it is`);
      return undone.kept.length === 0 ? 0 : 1;
    }
    const taken: ClientServers =
      args.from === undefined ? { servers: new Map(), secrets: new Map(), notes: [] } : readClientConfig(args.from);
    const text = firstConfig({ trustDomain: args['trust-domain'], user: userName(), servers: taken.servers });
    const loaded = parseConfig(text, file);
    if ('problems' in loaded)
      throw usage(
        `\`${loaded.problems[0]!.path}\`: ${loaded.problems[0]!.says}; expected ${loaded.problems[0]!.expected}`,
      );
    const files = [
      { path: file, text, mode: 0o644 },
      { path: join(folder, schemaFileName), text: schemaText(configJsonSchema()), mode: 0o644 },
      { path: join(folder, manifestSchemaFileName), text: schemaText(manifestJsonSchema()), mode: 0o644 },
      ...(taken.secrets.size === 0
        ? []
        : [{ path: join(folder, secretsFileName), text: secretsText(taken.secrets), mode: 0o600 }]),
    ];
    const inTheWay = files.find(({ path }) => existsSync(path) && !SCHEMAS.includes(basename(path)));
    if (inTheWay && !args.force)
      throw usage(`\`${inTheWay.path}\` exists; \`--force\` writes over it and keeps it for \`--undo\``);
    writeWithBackup(folder, files);
    for (const note of taken.notes) terminal.note(`writ: ${note}`);
    terminal.answer(
      { written: files.map(({ path }) => path), servers: [...taken.servers.keys()], notes: taken.notes },
      () => [...files.map(({ path }) => `wrote ${path}`), ...nextSteps(taken.secrets.size > 0)].join('\n'),
    );
    return 0;
  },
});

function readClientConfig(path: string): ClientServers {
  if (!existsSync(path)) throw usage(`\`${path}\` does not exist; name the configuration of an MCP client`);
  const parsed = parseStrictJson(readFileSync(path));
  if (!parsed.ok) throw usage(`\`${path}\` is not JSON that can be read without guessing`);
  const servers = isJsonObject(parsed.value) ? (parsed.value.mcpServers ?? parsed.value.servers) : undefined;
  if (!isJsonObject(servers)) throw usage(`\`${path}\` has no \`mcpServers\`; name the configuration of an MCP client`);
  return serversOf(servers);
}

function schemaText(schema: object): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function userName(): string {
  const { username } = userInfo();
  return /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/.test(username) ? username : 'owner';
}

function nextSteps(secrets: boolean): string[] {
  return secrets ? [`next: set -a; . ./${secretsFileName}; set +a; writ up`] : ['next: writ up'];
}
