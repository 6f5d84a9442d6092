// @modelcontextprotocol/server-memory 2026.8.31, a graph of notes that outlives the task. Whatever was written into it may have been
// read elsewhere first, so all that comes out is level 1: a detour through the notes cleans nothing.

import type { ServerManifest, ToolManifest } from '../manifest-schema.ts';

const outputs: ToolManifest['outputs'] = [{ at: '', text: 1, keys: 1 }];

const reads = (args: ToolManifest['args']): ToolManifest => ({ risk: 0, effect: 'read', args, outputs });

// Adds and never replaces, so it can be taken back.
const adds = (args: ToolManifest['args']): ToolManifest => ({ risk: 2, effect: 'write', args, outputs });

const deletes = (args: ToolManifest['args']): ToolManifest => ({
  risk: 5,
  effect: 'destroy',
  intent: ['delet*', 'remov*', 'forget*', 'eras*', 'clear*', 'drop*', 'clean up'],
  args,
  outputs,
});

export const memory: ServerManifest = {
  tools: {
    read_graph: reads({}),
    search_nodes: reads({ '/query': { role: 'value', type: 'text' } }),
    open_nodes: reads({ '/names': { role: 'target', type: 'text' } }),
    create_entities: adds({ '/entities': { role: 'payload' } }),
    create_relations: adds({ '/relations': { role: 'payload' } }),
    add_observations: adds({ '/observations': { role: 'payload' } }),
    delete_entities: deletes({ '/entityNames': { role: 'target', type: 'text' } }),
    delete_observations: deletes({ '/deletions': { role: 'target', type: 'text' } }),
    delete_relations: deletes({ '/relations': { role: 'target', type: 'text' } }),
  },
};
