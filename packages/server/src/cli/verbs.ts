// The commands there are. Each is imported only when it is used, so that `writ explain` does not load what `writ up` needs.

import type { Verb, VerbGroup } from './verb.ts';

type Load = () => Promise<{ readonly default: Verb | VerbGroup }>;

export const VERBS: { readonly [name: string]: Load } = {
  up: () => import('./up.ts'),
  validate: () => import('./validate.ts'),
  init: () => import('./init.ts'),
  doctor: () => import('./doctor.ts'),
  status: () => import('./status.ts'),
  login: () => import('./login.ts'),
  whoami: () => import('./whoami.ts'),
  run: () => import('./run.ts'),
  agent: () => import('./agent.ts'),
  user: () => import('./user.ts'),
  task: () => import('./task.ts'),
  token: () => import('./token.ts'),
  cap: () => import('./cap.ts'),
  call: () => import('./call.ts'),
  decide: () => import('./decide.ts'),
  keys: () => import('./keys.ts'),
  envoy: () => import('./envoy.ts'),
  policy: () => import('./policy.ts'),
  approvals: () => import('./approvals.ts'),
  credentials: () => import('./credentials.ts'),
  explain: () => import('./explain.ts'),
  audit: () => import('./audit.ts'),
  replay: () => import('./replay.ts'),
  'blast-radius': () => import('./blast-radius.ts'),
  scan: () => import('./scan.ts'),
  completion: () => import('./completion.ts'),
};
