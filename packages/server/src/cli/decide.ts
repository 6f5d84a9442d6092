// `writ decide FILE|-`: what would be decided, without any side effect and without a running plane (contract §2).

import { readFileSync } from 'node:fs';
import { isJsonObject, type JsonObject, parseStrictJson } from '@writ/core';
import { configFileName } from '../config/defaults.ts';
import { loadConfig } from '../config/load.ts';
import { explainText } from './explain-text.ts';
import { readStdin } from './stdin.ts';
import { asSentence, Stop, usage } from './stop.ts';
import { problemText } from './validate.ts';
import { verb } from './verb.ts';

export default verb({
  summary: 'what would be decided about a call, without making it',
  options: {
    file: { type: 'positional', description: 'request as JSON; `-` reads stdin' },
    config: { type: 'string', valueHint: 'file', description: `configuration (default: ${configFileName})` },
  },
  async run({ args, terminal, channels }) {
    const request = readRequest(args.file);
    const loaded = loadConfig(args.config ?? channels.env.WRIT_CONFIG ?? configFileName);
    if ('problems' in loaded) {
      const told = loaded.problems.map((problem) => problemText(problem, (_, text) => text)).join('\n  ');
      throw new Stop(`the configuration is not in order\n  ${told}`, 2);
    }
    const { decideOnce } = await import('../main.ts');
    const decision = await decideOnce({ config: loaded.config, request }).catch(asSentence);
    terminal.answer(decision, () => explainText(decision, terminal.paint));
    return decision.outcome === 'allow' ? 0 : 1;
  },
});

function readRequest(file: string): JsonObject {
  let bytes: Uint8Array;
  try {
    bytes = file === '-' ? readStdin() : readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw usage(`\`${file}\` does not exist; name a request, or \`-\` for stdin`);
    throw error;
  }
  const parsed = parseStrictJson(bytes);
  if (!parsed.ok || !isJsonObject(parsed.value))
    throw usage(`\`${file}\` is not one JSON object as contract §2 describes it`);
  return parsed.value;
}
