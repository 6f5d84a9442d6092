// `writ policy manifest`: a first manifest for a server, drafted from what it lists. It loads only once somebody has put their name
// to it (rules §3.7).

import { isJsonObject, type JsonObject } from '@writ/core';
import { draftManifest, draftText } from '../action/manifest-draft.ts';
import { manifestJsonSchema } from '../action/manifest-schema.ts';
import { configFileName } from '../config/defaults.ts';
import { loadConfig } from '../config/load.ts';
import { findPlane } from './plane.ts';
import { usage } from './stop.ts';
import { planeOptions, verb } from './verb.ts';

export default verb({
  summary: 'draft a manifest from what a server lists, for you to read and sign',
  options: {
    server: { type: 'positional', required: false, description: 'server key' },
    schema: { type: 'boolean', description: 'print the JSON Schema of manifests instead' },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    if (args.schema) {
      const schema = manifestJsonSchema();
      terminal.answer(schema, () => JSON.stringify(schema, null, 2));
      return 0;
    }
    if (args.server === undefined) throw usage('name the server whose tools are to be described');
    const plane = findPlane({ ...args, env: channels.env });
    const shown = await plane.act('GET', `policy/review/${encodeURIComponent(args.server)}`);
    const file = args.config ?? channels.env.WRIT_CONFIG ?? configFileName;
    const draft = draftManifest(args.server, toolsIn(shown), { trustAnnotations: trusts(file, args.server) });
    terminal.answer(draft.file, () => draftText(draft));
    terminal.note(`drafted from the server’s own words; keep it beside ${file}, read it line by line, and sign it`);
    return 0;
  },
});

/** What it lists now; prompts and resources have no entries of their own. */
function toolsIn({ tools }: JsonObject): readonly JsonObject[] {
  return (Array.isArray(tools) ? tools : [])
    .filter(isJsonObject)
    .filter(({ state, name }) => state !== 'gone' && name !== 'resources' && !String(name).startsWith('prompts/'))
    .flatMap(({ definition }) => (isJsonObject(definition) ? [definition] : []));
}

/** No where the configuration is not at hand: annotations are the server's own words (rules §3.6). */
function trusts(file: string, server: string): boolean {
  const loaded = loadConfig(file);
  return 'config' in loaded && loaded.config.servers.get(server)?.trustAnnotations === true;
}
