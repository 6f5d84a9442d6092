// mcp-server-time 2026.10.19: the clock, and arithmetic on it. It answers with what it computed and with names of time zones that it
// knows.

import type { ServerManifest, ToolManifest } from '../manifest-schema.ts';

const computes = (args: ToolManifest['args']): ToolManifest => ({
  risk: 0,
  effect: 'read',
  args,
  outputs: [{ at: '', handle: 2, text: 2, keys: 2 }],
});

export const time: ServerManifest = {
  tools: {
    get_current_time: computes({ '/timezone': { role: 'value', type: 'text' } }),
    convert_time: computes({
      '/source_timezone': { role: 'value', type: 'text' },
      '/time': { role: 'value', type: 'text' },
      '/target_timezone': { role: 'value', type: 'text' },
    }),
  },
};
