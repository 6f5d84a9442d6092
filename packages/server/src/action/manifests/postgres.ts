// @modelcontextprotocol/server-postgres 0.6.2: one statement in a read-only transaction. What it may see, and what functions with an
// effect outside the database it may call, is the database role's to say; give it one that may only read. Rows hold what customers
// and strangers typed.

import type { ServerManifest } from '../manifest-schema.ts';

export const postgres: ServerManifest = {
  tools: {
    query: {
      risk: 0,
      effect: 'read',
      args: { '/sql': { role: 'value', type: 'text' } },
      outputs: [{ at: '', text: 1, keys: 1 }],
    },
  },
};
