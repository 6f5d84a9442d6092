// An incident as Markdown. Much of what it tells was written by agents: it may neither format the page nor steer a terminal.

import type { JsonObject, JsonValue } from '@writ/core';
import type { Incident, IncidentDecision } from '../audit/incident.ts';
import { partyName } from './explain-text.ts';
import { visible } from './terminal.ts';

export function incidentText(incident: Incident): string {
  const { task, log, decisions, events } = incident;
  return [
    `# Task ${inline(task)}`,
    '',
    ...summary(incident),
    '',
    '## What it touched',
    '',
    ...rows(
      ['target', 'allowed', 'outcome unknown', 'refused', 'asked a person'],
      incident.touched.map(({ server, name, allowed, unknown, refused, asked }) => [
        name === null ? server : `${server}/${name}`,
        ...[allowed, unknown, refused, asked].map(String),
      ]),
    ),
    '',
    '## Under whose authority',
    '',
    ...rows(
      ['party', 'decisions', 'held'],
      incident.parties.map(({ actor, decisions: count, scopes }) => [
        partyName(actor),
        String(count),
        scopes.join(' '),
      ]),
    ),
    '',
    '## Decisions',
    '',
    ...rows(
      ['record', 'time', 'outcome', 'what', 'through', 'because', 'result'],
      decisions.map((one) => [
        String(one.sequence),
        one.time,
        one.outcome,
        one.sentence,
        one.chain.map(partyName).join(' > '),
        because(one),
        one.result.state,
      ]),
    ),
    '',
    '## Tokens, approvals and withdrawals',
    '',
    ...rows(['record', 'time', 'event', 'told'], events.map(eventRow)),
    '',
    `Every record above was proven to stand in the log ${inline(log.origin)} under its checkpoint of ${log.size} records,`,
    `root ${inline(log.root)}${log.keyFrom === 'log' ? ', **with a key that came from the log itself**' : ''}.`,
    '`writ audit prove RECORD` prints the proof of one; `writ audit verify` checks the whole log.',
  ].join('\n');
}

function summary(incident: Incident): string[] {
  const { opened, from, until, decisions, unpublished, more } = incident;
  const count = (outcome: string) => decisions.filter((one) => one.outcome === outcome).length;
  const lines = [
    opened === null
      ? 'Who opened it, this log does not say.'
      : `Opened for ${inline(text(opened.root))} by ${inline(text(opened.openedBy))} at ${text(opened.time)}, origin ${inline(text(opened.origin))}, may be handed on ${text(opened.depth)} times.`,
    `From ${from} until ${until}: ${decisions.length} decisions, ${count('allow')} allowed, ${count('deny')} refused, ${count('approval')} for a person to answer.`,
  ];
  if (unpublished > 0) lines.push(`${unpublished} more are not yet under the checkpoint: ask again in a second.`);
  if (more) lines.push('Earlier decisions of this task are left out: there are too many for one report.');
  return lines.join('\n\n').split('\n');
}

function because({ code, determining, approval }: IncidentDecision): string {
  const approved = approval === null ? [] : [`approval ${text(approval.id)} ${text(approval.state)}`];
  return [...(code === null ? [] : [code]), ...determining, ...approved].join(', ');
}

function eventRow({ sequence, time, event, id: _, ...members }: JsonObject): string[] {
  const told = Object.entries(members).flatMap(([name, value]) =>
    value === null || value === '' ? [] : [`${name} ${text(value)}`],
  );
  return [text(sequence), text(time), text(event), told.join(', ')];
}

function rows(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  if (body.length === 0) return ['None.'];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map((cells) => line(cells.map(inline)))];
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** Shown as it is: every sign that Markdown or HTML could take for its own is escaped (CommonMark §2.4). */
function inline(value: string): string {
  return visible(value).replace(/[!-/:-@[-`{-~]/g, (sign) => (plain.has(sign) ? sign : `\\${sign}`));
}

/** These mean nothing inside a line. */
const plain: ReadonlySet<string> = new Set('.,:;/-+=?%@"\'()$');
