// The console's pages as HTML: what was decided and why, and what waits for a person. Everything shown is escaped; much of it was
// written by agents.

import { isJsonObject, isoSeconds, type JsonObject, type JsonValue } from '@writ/core';
import { type Html, html, type Page } from '../page.ts';
import type { Approval } from './approvals.ts';
import { argumentsInWords } from './argument-words.ts';
import type { DecisionSummary } from './ports.ts';

export function decisionsPage(user: string, rows: readonly DecisionSummary[]): Page {
  const shown = rows.map(
    (row) => html`<tr>
<td><a href="/console/decisions/${row.decisionId}">${row.time}</a></td>
<td>${OUTCOMES[row.outcome] ?? row.outcome}</td>
<td>${row.principal ?? 'nobody'}</td>
<td>${row.actor ?? 'nobody'}</td>
<td>${[row.server, row.name].filter((part) => part !== null).join('/')}</td>
<td>${row.code ?? ''}</td>
</tr>
`,
  );
  return page(
    'Decisions',
    user,
    rows.length === 0
      ? html`<p>Nothing has been decided yet.</p>`
      : html`<table>
<thead><tr><th scope="col">When</th><th scope="col">Outcome</th><th scope="col">For</th><th scope="col">By</th><th scope="col">What</th><th scope="col">Why not</th></tr></thead>
<tbody>
${shown}</tbody>
</table>`,
  );
}

const OUTCOMES: { readonly [outcome: string]: string } = {
  allow: 'allowed',
  deny: 'refused',
  approval: 'asks a person',
};
const VERDICTS: { readonly [verdict: string]: string } = {
  pass: 'passed',
  deny: 'refused',
  approval: 'asks a person',
  not_reached: 'not reached',
};
const LAYERS = ['transport', 'token', 'action'] as const;

export function decisionPage(user: string, decision: JsonObject): Page {
  const checks = object(decision.checks);
  const layers = LAYERS.map((layer) => {
    const check = object(checks[layer]);
    const verdict = text(check.verdict) ?? 'not_reached';
    return html`<tr><th scope="row">${layer}</th><td>${VERDICTS[verdict] ?? verdict}</td><td>${text(check.code) ?? ''}</td></tr>`;
  });
  const links = list(decision.chain).filter(isJsonObject);
  const chain = links.map(
    (link) => html`<tr>
<td>${text(link.actor) ?? ''}</td>
<td>${joined(link.scopes)}</td>
<td>${joined(link.removed)}</td>
<td>${text(link.expires) ?? ''}</td>
</tr>`,
  );
  const proof = object(decision.proof);
  const facts: readonly (readonly [string, JsonValue | undefined])[] = [
    ['Decision', decision.decisionId],
    ['Time', decision.time],
    ['Outcome', OUTCOMES[text(decision.outcome) ?? ''] ?? decision.outcome],
    ['Task', decision.task],
    ['Policy', object(decision.policy).version],
    ['Said so', joined(object(decision.policy).determining)],
    ['Arguments', object(decision.arguments).digest],
    ['Result', object(decision.result).state],
    ['Record', decision.sequence],
    ['In the log', proof.verified === true ? `proven among ${proof.size} records` : 'not proven'],
  ];
  return page(
    'Decision',
    user,
    html`<p><strong>${text(decision.sentence) ?? text(decision.says) ?? ''}</strong></p>
<h2>Three checks</h2>
<table><tbody>${layers}</tbody></table>
<h2>On whose behalf</h2>
${
  chain.length === 0
    ? html`<p>Nobody had delegated anything that could be read.</p>`
    : html`<table>
<thead><tr><th scope="col">Who</th><th scope="col">Holds</th><th scope="col">Taken away on the way here</th><th scope="col">Until</th></tr></thead>
<tbody>${chain}</tbody></table>`
}
<h2>Record</h2>
<table><tbody>${facts.map(([name, value]) => factRow(name, value))}</tbody></table>`,
  );
}

/** What was refused before it was a call: `{event, sequence, proof}`, as explain.ts gives it. */
export function refusalPage(user: string, { event, sequence, proof }: JsonObject): Page {
  const told = object(event);
  const facts: readonly (readonly [string, JsonValue | undefined])[] = [
    ['Refused', told.event === 'token.refused' ? 'a token' : `${text(told.method) ?? ''} ${text(told.path) ?? ''}`],
    ['Time', told.time],
    ['Asked by', told.client ?? told.by ?? 'nobody who was authenticated'],
    ['From', told.source],
    ['Grant', told.grant],
    ['Answer', told.error],
    ['Why', told.code],
    ['Detail', JSON.stringify(told.detail ?? {})],
    ['Record', sequence],
    ['In the log', object(proof).verified === true ? `proven among ${object(proof).size} records` : 'not proven'],
  ];
  return page(
    'Refusal',
    user,
    html`<table><tbody>${facts.map(([name, value]) => factRow(name, value))}</tbody></table>`,
  );
}

function factRow(name: string, value: JsonValue | undefined): Html {
  const shown = typeof value === 'string' || typeof value === 'number' ? value : '';
  return html`<tr><th scope="row">${name}</th><td>${shown}</td></tr>`;
}

export interface ApprovalsPage {
  readonly user: string;
  readonly csrf: string;
  readonly waiting: readonly Approval[];
  readonly problem: string | null;
  /** Names what an argument was read from. */
  decisionOf(id: string): DecisionSummary | null;
  /** Signed in too long ago to answer: sign in again first. */
  readonly stale: boolean;
}

export function approvalsPage({ user, csrf, waiting, problem, decisionOf, stale }: ApprovalsPage): Page {
  const again = html`<p class="problem">To answer, <a href="/login?goTo=/console/approvals">sign in again</a>: your sign-in is older than five minutes.</p>`;
  return page(
    'Approvals',
    user,
    html`${problem === null ? null : html`<p class="problem" role="alert">${problem}</p>`}
${stale ? again : null}
${waiting.length === 0 ? html`<p>Nothing waits for you.</p>` : waiting.map((one) => approvalSection(one, csrf, decisionOf))}`,
  );
}

function approvalSection(one: Approval, csrf: string, decisionOf: ApprovalsPage['decisionOf']): Html {
  const values = argumentsInWords(one, decisionOf);
  const unsure = one.kind === 'agent' ? [] : values.filter(({ endorsable }) => endorsable);
  return html`<section aria-labelledby="title-${one.id}">
<h2 id="title-${one.id}">${one.server}/${one.tool}</h2>
<p><strong>${one.will ?? one.sentence}</strong></p>
<pre>${JSON.stringify(one.arguments, null, 2)}</pre>
${
  values.length === 0
    ? null
    : html`<table>
<thead><tr><th scope="col">Argument</th><th scope="col">Value</th><th scope="col">Where it comes from</th></tr></thead>
<tbody>
${values.map(({ pointer, value, says }) => html`<tr><th scope="row">${pointer}</th><td>${JSON.stringify(value)}</td><td>${says}</td></tr>\n`)}</tbody></table>`
}
<table><tbody>
${factRow('For', one.root.sub)}
${factRow('Through', one.actors.join(', '))}
${factRow('Task', one.task)}
${factRow('Risk', one.risk)}
${factRow('Asked by', one.rules.join(', '))}
${factRow('Arguments', one.argumentsDigest)}
${factRow('Exactly this', one.hash)}
${factRow('Until', isoSeconds(one.expiresSeconds))}
</tbody></table>
<form method="post" action="/console/approvals/${encodeURIComponent(one.id)}" class="row">
<input type="hidden" name="csrf" value="${csrf}">
<input type="hidden" name="hash" value="${one.hash}">
${
  unsure.length === 0
    ? null
    : html`<label><input type="checkbox" name="endorse" value="yes"> Trust these values there for the rest of this task: ${unsure.map(({ pointer }) => pointer).join(', ')}</label>`
}
<button name="verdict" value="approve">Approve exactly this, once</button>
<button name="verdict" value="deny">Deny</button>
</form>
</section>`;
}

export function notePage(title: string, says: string): Page {
  return { title, body: html`<main class="narrow"><h1>${title}</h1><p>${says}</p></main>` };
}

function page(title: string, user: string, body: Html): Page {
  return {
    title,
    body: html`<nav aria-label="Console"><a href="/console/">Decisions</a><a href="/console/approvals">Approvals</a><a href="/logout">Sign out ${user}</a></nav>
<main><h1>${title}</h1>
${body}
</main>`,
  };
}

function text(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function joined(value: JsonValue | undefined): string {
  return list(value)
    .filter((one) => typeof one === 'string')
    .join(' ');
}

function object(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
