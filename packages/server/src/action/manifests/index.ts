// The manifests that ship under `builtin:<name>`, each written for the version it names and read by a person.

import type { ServerManifest } from '../manifest-schema.ts';
import { everything } from './everything.ts';
import { fetchPages } from './fetch.ts';
import { filesystem } from './filesystem.ts';
import { git } from './git.ts';
import { memory } from './memory.ts';
import { postgres } from './postgres.ts';
import { sequentialThinking } from './sequential-thinking.ts';
import { time } from './time.ts';

export const BUILTINS: { readonly [name: string]: ServerManifest } = {
  everything,
  fetch: fetchPages,
  filesystem,
  git,
  memory,
  postgres,
  'sequential-thinking': sequentialThinking,
  time,
};
