// The manifests that ship under `builtin:<name>`, each written for the version it names and read by a person.

import type { ServerManifest } from '../manifest-schema.ts';
import { everything } from './everything.ts';
import { filesystem } from './filesystem.ts';

export const BUILTINS: { readonly [name: string]: ServerManifest } = { everything, filesystem };
