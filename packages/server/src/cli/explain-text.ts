// A decision (contract §6) drawn for a terminal: the sentence, the three verdicts, and the chain from the person down,
// with what each hop took away. Plain ASCII, so that it survives mail and logs; a value of another shape is left out.

import { isJsonObject, type JsonObject, type JsonValue, scopeCovers } from '@writ/core';
import { provenanceLines } from './explain-provenance.ts';
import { type Style, table, visible } from './terminal.ts';

type Paint = (style: Style, text: string) => string;

export function explainText(decision: JsonObject, paint: Paint): string {
  return [
    paint('bold', sentenceOf(decision)),
    '',
    ...checks(decision, paint),
    '',
    ...chain(decision, paint),
    ...section(provenanceLines(decision)),
    '',
    ...footer(decision),
  ].join('\n');
}

function section(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines.map((line) => `  ${line}`)];
}

/** What was refused before it was a call, as `GET decisions/ID` tells it: `{event, sequence, proof}`. */
export function explainRefusal(answer: JsonObject, paint: Paint): string {
  const event = object(answer.event);
  const ofToken = event.event === 'token.refused';
  const who = text(event.client) ?? text(event.by);
  const what = ofToken
    ? `a token (${text(event.grant) ?? 'no grant named'})`
    : `${text(event.method)} ${text(event.path)}`;
  const asked = who === null ? 'somebody who was not authenticated' : partyName(who);
  const rows: (readonly [string, string | null])[] = [
    ['time', text(event.time)],
    ['from', text(event.source)],
    ['answer', text(event.error)],
    ['why', text(event.code)],
    ...Object.entries(object(event.detail)).map(([name, value]) => [name, shown(value)] as const),
    ['record', recordOf(answer, object(answer.proof))],
  ];
  return [paint('bold', `${asked} asked for ${what}: refused.`), '', ...facts(rows)].join('\n');
}

function shown(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function sentenceOf(decision: JsonObject): string {
  return visible(text(decision.sentence) ?? text(decision.says) ?? 'nothing is known of this decision');
}

const order = ['transport', 'token', 'action'] as const;

function checks(decision: JsonObject, paint: Paint): string[] {
  const all = object(decision.checks);
  const rows = order.map((layer) => {
    const check = object(all[layer]);
    const verdict = text(check.verdict) ?? 'not_reached';
    return [`  ${layer}`, shownVerdict[verdict] ?? verdict, checkDetail(layer, check, decision)];
  });
  return table(rows)
    .split('\n')
    .map((line) =>
      paint(
        line.includes(shownVerdict.deny!) ? 'red' : line.includes(shownVerdict.approval!) ? 'yellow' : 'reset',
        line,
      ),
    );
}

const shownVerdict: { readonly [verdict: string]: string } = {
  pass: 'pass',
  deny: 'DENY',
  approval: 'ASKS',
  not_reached: '-',
};

function checkDetail(layer: (typeof order)[number], check: JsonObject, decision: JsonObject): string {
  const verdict = text(check.verdict) ?? 'not_reached';
  if (verdict === 'not_reached') return 'not reached';
  if (verdict !== 'pass') return text(check.code) ?? text(decision.code) ?? '';
  if (layer === 'transport') {
    const boundary = text(check.boundary);
    const by = text(check.assertedBy);
    const peer = text(check.peer) ?? 'nobody by certificate';
    const details = [boundary === null ? null : `boundary ${boundary}`, by === null ? null : `asserted by ${by}`];
    return `${peer} over ${text(check.listener) ?? '?'}${bracketed(details)}`;
  }
  if (layer === 'token') return `${text(check.encoding) ?? 'token'}${bracketed([taskOf(decision)])}`;
  const determining = texts(object(decision.policy).determining);
  return determining.length === 0 ? 'allowed' : `by ${determining.join(', ')}`;
}

function taskOf(decision: JsonObject): string | null {
  const task = text(decision.task);
  return task === null ? null : `task ${task}`;
}

/** From the principal down; between two parties, what the lower one went without. */
function chain(decision: JsonObject, paint: Paint): string[] {
  const links = (Array.isArray(decision.chain) ? decision.chain : []).filter(isJsonObject);
  if (links.length === 0) return ['  no chain: nobody had delegated anything that could be read'];
  const names = links.map((link) => partyName(text(link.actor) ?? '?'));
  const width = Math.max(...names.map((name) => name.length));
  const lines = links.flatMap((link, i) => [
    ...(i === 0 ? [] : [...narrowed(link, links[i - 1]!).map((one) => paint('dim', `    |  ${one}`)), '    v']),
    `  ${names[i]!.padEnd(width)}   ${heldBy(link)}`,
  ]);
  return [...lines, ...ending(decision, paint)];
}

function heldBy(link: JsonObject): string {
  const scopes = texts(link.scopes);
  return scopes.length === 0 ? '(nothing)' : scopes.join(' ');
}

function narrowed(link: JsonObject, parent: JsonObject): string[] {
  const told: string[] = texts(link.removed).map((scope) => `- ${scope}${keptOf(scope, texts(link.scopes))}`);
  if (text(link.expires) !== text(parent.expires) && text(link.expires) !== null)
    told.push(`- ends ${text(link.expires)}`);
  if (JSON.stringify(link.constraints ?? []) !== JSON.stringify(parent.constraints ?? [])) {
    told.push(...constraintsOf(link.constraints).map((one) => `- only ${one}`));
  }
  return told.length === 0 ? ['(nothing removed)'] : told;
}

/** Of `files:*`, a hop may have kept a part. */
function keptOf(removed: string, held: readonly string[]): string {
  const kept = held.filter((scope) => scopeCovers(removed, scope));
  return kept.length === 0 ? '' : ` but ${kept.join(' ')}`;
}

/** `files:read_file where /path is {"subpath":…}`, one for each pointer. */
function constraintsOf(details: JsonValue | undefined): string[] {
  return (Array.isArray(details) ? details : []).filter(isJsonObject).flatMap((detail) => {
    const actions = texts(detail.actions).join(' ');
    const where = Object.entries(object(detail.arguments));
    if (where.length === 0) return [actions];
    return where.map(([pointer, constraint]) =>
      visible(`${actions} where ${pointer} is ${JSON.stringify(constraint)}`),
    );
  });
}

function ending(decision: JsonObject, paint: Paint): string[] {
  const target = object(decision.target);
  const name = text(target.name);
  const called = `${text(target.server) ?? '?'}${name === null ? ` (${text(decision.operation) ?? '?'})` : `/${name}`}`;
  switch (decision.outcome) {
    case 'allow':
      return ['    |', '    v', paint('green', `  ${called}   allowed`)];
    case 'approval':
      return [
        '    |',
        '    ?',
        paint('yellow', `  ${called}   waits for a person: ${text(decision.code) ?? 'approval'}`),
      ];
    default:
      return ['    |', '    X', paint('red', `  ${called}   refused: ${text(decision.code) ?? 'unknown'}`)];
  }
}

function footer(decision: JsonObject): string[] {
  const result = object(decision.result);
  const proof = object(decision.proof);
  const mode = text(decision.mode);
  const rows: (readonly [string, string | null])[] = [
    ['decision', text(decision.decisionId)],
    ['time', text(decision.time)],
    ['mode', mode === 'enforce' ? null : mode],
    ['policy', text(object(decision.policy).version)],
    ['arguments', text(object(decision.arguments).digest)],
    ['trace', text(decision.trace)],
    ['result', text(result.state)],
    ['record', recordOf(decision, proof)],
  ];
  return facts(rows);
}

function facts(rows: readonly (readonly [string, string | null])[]): string[] {
  return table(rows.flatMap(([name, value]) => (value === null ? [] : [[`  ${name}`, value]]))).split('\n');
}

function recordOf(decision: JsonObject, proof: JsonObject): string | null {
  if (typeof decision.sequence !== 'number') return null;
  if (typeof proof.index !== 'number' || typeof proof.size !== 'number') return `${decision.sequence}`;
  return `${decision.sequence}, ${proof.verified === true ? 'proven in' : 'NOT proven in'} a log of ${proof.size}`;
}

/** `db/agent` of `spiffe://zylos.local/db/agent`; anything else as it stands. */
export function partyName(sub: string): string {
  return visible(/^spiffe:\/\/[^/]+\/([^/]+\/[^/]+)$/.exec(sub)?.[1] ?? sub);
}

function bracketed(parts: readonly (string | null)[]): string {
  const some = parts.filter((part) => part !== null);
  return some.length === 0 ? '' : ` (${some.join(', ')})`;
}

function text(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? visible(value) : null;
}

function texts(value: JsonValue | undefined): string[] {
  return (Array.isArray(value) ? value : []).flatMap((one) => (typeof one === 'string' ? [visible(one)] : []));
}

function object(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
