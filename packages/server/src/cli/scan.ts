// `writ scan`: what is wrong with the agents that are on this machine already. Needs no plane and no account; writes nothing, and sends
// nothing to anybody who is not on this network or was not named.

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { A2A_ERRORS, A2A_VERSION } from '../gateway/a2a/words.ts';
import { LEGACY_VERSIONS, META, MODERN_VERSIONS, RPC } from '../gateway/mcp/words.ts';
import {
  asker,
  configurationsOf,
  endpointsToAsk,
  exitCodeOf,
  gitHistory,
  listeningSockets,
  mayProbe,
  namedEndpoint,
  plainUrl,
  type ScanRequest,
  SEVERITIES,
  type Severity,
  scan,
  scanJson,
  scanSarif,
  scanText,
  startStdio,
  type World,
} from '../scan/index.ts';
import { usage } from './stop.ts';
import { table, visible } from './terminal.ts';
import { verb } from './verb.ts';
import { VERSION } from './version.ts';

export default verb({
  summary: 'find secrets, open servers and careless settings of the agents here; needs no plane',
  options: {
    path: {
      type: 'positional',
      required: false,
      repeat: true,
      description: 'files and folders to read (default: your home, this folder, and what listens here)',
    },
    root: { type: 'string', valueHint: 'folder', description: 'read this folder as the home' },
    host: { type: 'string', repeat: true, valueHint: 'address', description: 'ask this host or URL as well' },
    'no-probe': { type: 'boolean', description: 'read files only; ask no endpoint' },
    start: {
      type: 'string',
      repeat: true,
      valueHint: 'server',
      description: 'start this stdio server, to read what its tools say',
    },
    'dry-run': { type: 'boolean', description: 'list the endpoints that would be asked, and ask none' },
    'fail-on': {
      type: 'enum',
      options: [...SEVERITIES, 'none'],
      default: 'low',
      description: 'the least severity that ends 1 (default: low)',
    },
    sarif: { type: 'boolean', description: 'print SARIF 2.1.0' },
  },
  async run({ args, terminal, channels }) {
    const request = requestOf(args);
    const baseFolder = resolve(args.root ?? '.');
    const world = worldOf(channels.env, args.root, baseFolder);
    if (args['dry-run']) {
      const asked = endpointsToAsk({ ...request, probe: true }, configurationsOf(request), world).filter(mayProbe);
      const urls = [...new Set(asked.map(({ url }) => plainUrl(url) ?? url))];
      terminal.answer({ wouldAsk: urls }, () => urls.map(visible).join('\n') || 'no endpoint would be asked');
      return 0;
    }
    checkStart(request);
    const result = await scan(request, world);
    for (const note of result.notes) terminal.note(`writ: ${visible(note)}`);
    if (args.sarif) {
      const sarif = scanSarif(result, VERSION, baseFolder);
      terminal.answer(sarif, () => JSON.stringify(sarif, null, 2));
    } else
      terminal.answer(scanJson(result, VERSION), () => scanText(result, { paint: terminal.paint, table, visible }));
    return exitCodeOf(result, args['fail-on'] as Severity | 'none');
  },
});

interface Words {
  readonly path: readonly string[];
  readonly root: string | undefined;
  readonly host: readonly string[];
  readonly start: readonly string[];
  readonly 'no-probe': boolean;
}

function requestOf(args: Words): ScanRequest {
  // An address among the paths can only be meant as one.
  const isAddress = (text: string) => /^https?:\/\//i.test(text);
  const paths = args.path.filter((path) => !isAddress(path));
  const hosts = [...args.host, ...args.path.filter(isAddress)];
  for (const path of [...paths, ...(args.root === undefined ? [] : [args.root])])
    if (!existsSync(path))
      throw usage(`\`${path}\` does not exist; name files and folders that do, or addresses with \`--host\``);
  for (const host of hosts)
    if (namedEndpoint(host) === null)
      throw usage(`\`${host}\` is not an address; write \`https://host/mcp\` or \`host:port\``);
  const isPlain = paths.length === 0 && hosts.length === 0;
  if (hosts.length > 0 && args['no-probe']) throw usage('`--no-probe` asks no host, so none can be named beside it');
  const isOwn = args.root === undefined && isPlain;
  return {
    home: args.root !== undefined ? resolve(args.root) : isOwn ? homedir() : null,
    machine: isOwn,
    paths: isOwn ? ['.'] : paths,
    hosts,
    sockets: isPlain,
    probe: !args['no-probe'],
    start: args.start,
  };
}

/** A name that no configuration has is a slip, and better told than passed over. */
function checkStart(request: ScanRequest): void {
  if (request.start.length === 0) return;
  const names = new Set(
    configurationsOf(request).flatMap(({ servers }) =>
      servers.filter(({ command }) => command.length > 0).map(({ name }) => name),
    ),
  );
  const unknown = request.start.find((name) => !names.has(name));
  if (unknown !== undefined)
    throw usage(
      `\`${unknown}\` is no server on standard input here; there are ${[...names].map((name) => `\`${name}\``).join(', ') || 'none'}`,
    );
}

function worldOf(env: NodeJS.ProcessEnv, root: string | undefined, baseFolder: string): World {
  const mcp = {
    modernVersion: MODERN_VERSIONS[0]!,
    legacyVersion: LEGACY_VERSIONS[0]!,
    meta: META,
    clientInfo: { name: 'writ-scan', version: VERSION },
  };
  const a2a = {
    version: A2A_VERSION,
    taskNotFound: A2A_ERRORS.TASK_NOT_FOUND.code,
    methodNotFound: RPC.methodNotFound,
    unknownTask: randomUUID(),
  };
  return {
    clock: { nowSeconds: () => Math.floor(Date.now() / 1000) },
    ask: asker(`writ-scan/${VERSION}`),
    words: { mcp, a2a },
    history: gitHistory(),
    sockets: listeningSockets,
    start: (server) => startStdio(server, mcp, env),
    homeFolder: resolve(root ?? homedir()),
    baseFolder,
  };
}
