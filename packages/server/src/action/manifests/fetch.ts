// mcp-server-fetch 2026.10.24: fetches one page. The address leaves, and with it whatever was put into it; the page is written by
// whoever owns it.

import type { ServerManifest } from '../manifest-schema.ts';

export const fetchPages: ServerManifest = {
  tools: {
    fetch: {
      risk: 1,
      effect: 'network',
      args: {
        '/url': { role: 'target', type: 'url' },
        '/max_length': { role: 'ignored' },
        '/start_index': { role: 'ignored' },
        '/raw': { role: 'ignored' },
      },
      outputs: [{ at: '', text: 1, keys: 1 }],
    },
  },
};
