// `writ audit`: what happened, and whether it can be proven. Reads logs from their folders or over HTTP; no plane has to run.

import { merge } from './audit-merge.ts';
import { prove } from './audit-prove.ts';
import { query } from './audit-query.ts';
import { report } from './audit-report.ts';
import { verify } from './audit-verify.ts';
import type { VerbGroup } from './verb.ts';

const group: VerbGroup = {
  summary: 'the record of what happened: check it, prove it, search it, tell it',
  verbs: { verify, prove, query, report, merge },
};
export default group;
