// `writ cap`: capabilities, made, narrowed, said in another form, checked and shown. All of it offline: a capability needs no server.

import { attenuate } from './cap-attenuate.ts';
import { convert } from './cap-convert.ts';
import { inspect } from './cap-inspect.ts';
import { mint } from './cap-mint.ts';
import { verify } from './cap-verify.ts';
import type { VerbGroup } from './verb.ts';

const group: VerbGroup = {
  summary: 'make, narrow, convert, check and show capabilities, offline',
  verbs: { mint, attenuate, convert, verify, inspect },
};
export default group;
