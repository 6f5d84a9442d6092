// `writ validate`: everything that is wrong with a configuration, each with its place and what was expected there.

import { existsSync } from 'node:fs';
import { configFileName } from '../config/defaults.ts';
import { configJsonSchema } from '../config/json-schema.ts';
import { loadConfig } from '../config/load.ts';
import type { Problem } from '../config/problems.ts';
import { manifestsIn } from './policy-manifests.ts';
import { visible } from './terminal.ts';
import { verb } from './verb.ts';

export default verb({
  summary: 'check a configuration without starting anything',
  options: {
    file: { type: 'positional', required: false, description: `configuration (default: ${configFileName})` },
    config: { type: 'string', valueHint: 'file', description: 'the same' },
    schema: { type: 'boolean', description: 'print the JSON Schema of the configuration instead' },
  },
  async run({ args, terminal, channels }) {
    if (args.schema) {
      const schema = configJsonSchema();
      terminal.answer(schema, () => JSON.stringify(schema, null, 2));
      return 0;
    }
    const file = args.file ?? args.config ?? channels.env.WRIT_CONFIG ?? configFileName;
    const loaded = loadConfig(file);
    const { problems, notices } = 'problems' in loaded ? { ...loaded, notices: [] } : await manifestsIn(loaded.config);
    terminal.answer({ ok: problems.length === 0, problems, notices }, () =>
      problems.length === 0
        ? `${file} is in order`
        : problems.map((one) => problemText(one, terminal.paint)).join('\n'),
    );
    for (const { server, name, says } of notices)
      terminal.note(`writ: \`${visible(`${server}/${name}`)}\`: ${visible(says)}`);
    if (problems.length === 0) return 0;
    return existsSync(file) ? 1 : 2;
  },
});

/** `writ.yaml:4:9 gateway.mode: … ; expected …`, as editors follow it. */
export function problemText(problem: Problem, paint: (style: 'bold' | 'red', text: string) => string): string {
  const { file, line, column, path, says, expected } = problem;
  const place = paint('bold', `${file}:${line}:${column}`);
  return `${place}${path === '' ? '' : ` ${visible(path)}`}: ${paint('red', visible(says))}; expected ${visible(expected)}`;
}
