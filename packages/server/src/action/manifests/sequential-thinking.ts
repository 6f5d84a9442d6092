// @modelcontextprotocol/server-sequential-thinking 2026.8.31: keeps the steps of one train of thought in its own process, which is
// one task's alone unless the manifest says `shared`. It answers with counts and with the names of branches it was given.

import type { ServerManifest } from '../manifest-schema.ts';

export const sequentialThinking: ServerManifest = {
  tools: {
    sequentialthinking: {
      risk: 0,
      effect: 'read',
      args: {
        '/thought': { role: 'payload' },
        '/nextThoughtNeeded': { role: 'ignored' },
        '/thoughtNumber': { role: 'ignored' },
        '/totalThoughts': { role: 'ignored' },
        '/isRevision': { role: 'ignored' },
        '/revisesThought': { role: 'ignored' },
        '/branchFromThought': { role: 'ignored' },
        '/branchId': { role: 'payload' },
        '/needsMoreThoughts': { role: 'ignored' },
      },
      outputs: [{ at: '', text: 2, keys: 2 }],
    },
  },
};
