// @modelcontextprotocol/server-filesystem 2026.8.31. What it reads are the operator's own files, and what stands in them
// may have come from anywhere: contents are level 1, and so are names, which whoever drops a file chooses.

import type { ServerManifest, ToolManifest } from '../manifest-schema.ts';

const path = { '/path': { role: 'target', type: 'text' } } as const;

const readsOne = (further: ToolManifest['args'] = {}): ToolManifest => ({
  risk: 0,
  effect: 'read',
  args: { ...path, ...further },
  outputs: [{ at: '', text: 1, keys: 1 }],
});

const lines = { '/head': { role: 'ignored' }, '/tail': { role: 'ignored' } } as const;
const excluding = { '/excludePatterns': { role: 'ignored' } } as const;

export const filesystem: ServerManifest = {
  tools: {
    read_file: readsOne(lines),
    read_text_file: readsOne(lines),
    read_media_file: readsOne(),
    read_multiple_files: {
      risk: 0,
      effect: 'read',
      args: { '/paths': { role: 'target', type: 'text' } },
      outputs: [{ at: '', text: 1, keys: 1 }],
    },
    list_directory: readsOne(),
    list_directory_with_sizes: readsOne({ '/sortBy': { role: 'ignored' } }),
    directory_tree: readsOne(excluding),
    search_files: readsOne({ '/pattern': { role: 'value', type: 'text' }, ...excluding }),
    get_file_info: readsOne(),
    // Its answer is the operator's own configuration.
    list_allowed_directories: { risk: 0, effect: 'read', args: {}, outputs: [{ at: '', text: 2, handle: 2, keys: 2 }] },
    create_directory: { risk: 2, effect: 'write', args: path, outputs: [{ at: '', text: 1, keys: 1 }] },
    // Refuses to replace an existing file, so it can be moved back.
    move_file: {
      risk: 2,
      effect: 'write',
      args: { '/source': { role: 'target', type: 'text' }, '/destination': { role: 'target', type: 'text' } },
      outputs: [{ at: '', text: 1, keys: 1 }],
    },
    // What stood there before is in the arguments and in the answer.
    edit_file: {
      risk: 2,
      effect: 'write',
      args: { ...path, '/edits': { role: 'payload' }, '/dryRun': { role: 'ignored' } },
      outputs: [{ at: '', text: 1, keys: 1 }],
    },
    // Replaces whatever was there without a copy: more than a reversible write, and it stays inside.
    write_file: {
      risk: 3,
      effect: 'write',
      args: { ...path, '/content': { role: 'payload' } },
      outputs: [{ at: '', text: 1, keys: 1 }],
    },
  },
};
