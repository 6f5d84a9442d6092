// mcp-server-git 2026.10.19: a local repository; it pushes and fetches nothing. Whoever contributed a commit wrote its message, its file
// names and its content, so what is read is level 1.

import type { ServerManifest, ToolManifest } from '../manifest-schema.ts';

const repository = { '/repo_path': { role: 'target', type: 'text' } } as const;
const outputs: ToolManifest['outputs'] = [{ at: '', text: 1, keys: 1 }];
const context = { '/context_lines': { role: 'ignored' } } as const;

const reads = (further: ToolManifest['args'] = {}): ToolManifest => ({
  risk: 0,
  effect: 'read',
  args: { ...repository, ...further },
  outputs,
});

// What was there before stays reachable in the repository.
const writes = (intent: readonly string[], further: ToolManifest['args'] = {}): ToolManifest => ({
  risk: 2,
  effect: 'write',
  intent: [...intent],
  args: { ...repository, ...further },
  outputs,
});

export const git: ServerManifest = {
  tools: {
    git_status: reads(),
    git_diff_unstaged: reads(context),
    git_diff_staged: reads(context),
    git_diff: reads({ '/target': { role: 'value', type: 'text' }, ...context }),
    git_log: reads({
      '/max_count': { role: 'ignored' },
      '/start_timestamp': { role: 'ignored' },
      '/end_timestamp': { role: 'ignored' },
    }),
    git_show: reads({ '/revision': { role: 'value', type: 'text' } }),
    git_branch: reads({
      '/branch_type': { role: 'ignored' },
      '/contains': { role: 'value', type: 'text' },
      '/not_contains': { role: 'value', type: 'text' },
    }),
    git_add: writes(['add*', 'stage*', 'staging', 'commit*'], { '/files': { role: 'target', type: 'text' } }),
    git_commit: writes(['commit*', 'check in', 'record*'], { '/message': { role: 'payload' } }),
    // Unstages everything; the working tree keeps the changes.
    git_reset: writes(['reset*', 'unstag*', 'undo*', 'discard*']),
    git_create_branch: writes(['branch*', 'creat*'], {
      '/branch_name': { role: 'value', type: 'text' },
      '/base_branch': { role: 'value', type: 'text' },
    }),
    // Puts other files into the working tree.
    git_checkout: writes(['check out', 'checkout', 'checking out', 'switch*'], {
      '/branch_name': { role: 'target', type: 'text' },
    }),
  },
};
