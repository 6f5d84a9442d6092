// @modelcontextprotocol/server-everything 2026.8.31, the reference server for tests. Tools that ask the caller's own model
// or its person (sampling, elicitation) are left out on purpose: without an entry they are risk 4.

import type { ServerManifest, ToolManifest } from '../manifest-schema.ts';

const harmless = (args: ToolManifest['args'] = {}): ToolManifest => ({
  risk: 0,
  effect: 'read',
  args,
  outputs: [{ at: '', text: 1, keys: 1 }],
});

const toggle: ToolManifest = { risk: 2, effect: 'write', args: {}, outputs: [{ at: '', text: 1, keys: 1 }] };

export const everything: ServerManifest = {
  tools: {
    echo: harmless({ '/message': { role: 'payload' } }),
    'get-annotated-message': harmless({ '/messageType': { role: 'ignored' }, '/includeImage': { role: 'ignored' } }),
    'get-resource-links': harmless({ '/count': { role: 'ignored' } }),
    'get-resource-reference': harmless({
      '/resourceType': { role: 'ignored' },
      '/resourceId': { role: 'value', type: 'number' },
    }),
    'get-roots-list': harmless(),
    'get-structured-content': harmless({ '/location': { role: 'value', type: 'text' } }),
    'get-sum': harmless({ '/a': { role: 'value', type: 'number' }, '/b': { role: 'value', type: 'number' } }),
    'get-tiny-image': harmless(),
    'trigger-long-running-operation': harmless({ '/duration': { role: 'ignored' }, '/steps': { role: 'ignored' } }),
    'simulate-research-query': harmless({ '/topic': { role: 'payload' }, '/ambiguous': { role: 'ignored' } }),
    'toggle-simulated-logging': toggle,
    'toggle-subscriber-updates': toggle,
    // The URL in `data` is fetched by the server.
    'gzip-file-as-resource': {
      risk: 1,
      effect: 'network',
      args: {
        '/name': { role: 'payload' },
        '/data': { role: 'target', type: 'url' },
        '/outputType': { role: 'ignored' },
      },
      outputs: [{ at: '', text: 1, keys: 1 }],
    },
    // Shows the environment of the server's process, where credentials live.
    'get-env': { risk: 5, effect: 'account', args: {}, outputs: [{ at: '', text: 1, keys: 1, secret: true }] },
  },
};
