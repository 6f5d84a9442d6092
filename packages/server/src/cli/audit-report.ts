// `writ audit report --incident TASK`: what happened in a task, for whoever has to judge it. Everything told was proven.

import { incidentOf } from '../audit/incident.ts';
import { incidentText } from './audit-report-text.ts';
import { logStop, openIndexOf, sourceOption, vkeyOption } from './audit-source.ts';
import { refused } from './stop.ts';
import { planeOptions, verb } from './verb.ts';

export const report = verb({
  summary: 'tell everything one task touched, and under whose authority (Markdown)',
  options: {
    ...sourceOption,
    incident: { type: 'string', required: true, valueHint: 'task', description: 'id of the task' },
    ...vkeyOption,
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const { source, log, index } = await openIndexOf(args, channels.env, terminal);
    using rows = index;
    const incident = await incidentOf(log, rows, args.incident).catch((error: unknown) => {
      throw logStop(source, error);
    });
    if (incident.decisions.length === 0 && incident.events.length === 0)
      throw refused(`this log knows nothing of a task \`${args.incident}\``);
    terminal.answer(incident, () => incidentText(incident));
    return 0;
  },
});
