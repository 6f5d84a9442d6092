// `writ user hash`: what goes into the file that `users.NAME.passwordFile` names. Needs no plane and keeps nothing.

import { hashPassword, passwordProblem } from '../token/people/password.ts';
import { askPassword } from './ask-person.ts';
import { usage } from './stop.ts';
import { type VerbGroup, verb } from './verb.ts';

const hash = verb({
  summary: 'turn a password into the line of a password file',
  options: {
    name: { type: 'positional', description: 'person it is for' },
    'password-stdin': { type: 'boolean', description: 'read the password from the first line of stdin' },
  },
  async run({ args, terminal }) {
    const password = await askPassword(`password for ${args.name}: `, args['password-stdin']);
    const problem = passwordProblem(password, args.name);
    if (problem !== null) throw usage(problem);
    const line = await hashPassword(password);
    terminal.answer({ hash: line }, () => line);
    return 0;
  },
});

const group: VerbGroup = { summary: 'people: make a line for a password file', verbs: { hash } };
export default group;
