// What an attack has to end in: the answer on the wire, the same reason in the log, and nothing at the other side.

import assert from 'node:assert/strict';
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJsonText, valueAt } from '@writ/core';
import { countedRefusals } from '../interop/audit-counts.ts';
import { readLog } from '../sim/read-log.ts';
import { type Expectation, RPC, type Step } from './case.ts';
import { decode } from './forge.ts';
import type { Names, Stage } from './stage.ts';
import type { Answer } from './wire.ts';

type Refused = Extract<Expectation, { outcome: 'refuse' }>;

export function check(step: Step, answer: Answer | null, stage: Stage, names: Names): void {
  const { expect } = step;
  if (expect.outcome === 'hangup') {
    assert.equal(answer, null, `an answer came: ${answer?.text}`);
    return;
  }
  assert.ok(answer, 'the plane hung up without an answer');
  for (const text of names.fill([...expect.never]) as string[]) {
    assert.ok(!answer.text.includes(text), `the answer holds \`${text}\``);
    assert.ok(!JSON.stringify(answer.headers).includes(text), `a header of the answer holds \`${text}\``);
  }
  if (expect.outcome === 'allow') checkAllowed(answer, expect, names);
  else checkRefused(answer, expect, stage);
}

function checkRefused(answer: Answer, expect: Refused, stage: Stage): void {
  const shown = `${answer.status} ${answer.text}`;
  assert.equal(answer.status, expect.status, shown);
  const body = bodyOf(answer);
  const rpc = isJsonObject(body.error) ? body.error : null;
  assert.equal(rpc?.code ?? null, expect.rpc, shown);
  if (expect.error !== null) assert.equal(body.error, expect.error, shown);
  if (answer.status === 401 && body.error !== 'invalid_client')
    assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer resource_metadata="/);
  if (expect.code !== null) checkCode(expect.code, expect, body, answer, stage);
}

function checkAllowed(answer: Answer, { claims }: Extract<Expectation, { outcome: 'allow' }>, names: Names): void {
  assert.ok(answer.status < 300, `${answer.status} ${answer.text}`);
  const body = bodyOf(answer);
  assert.equal(body.error, undefined, answer.text);
  const token = typeof body.access_token === 'string' ? decode(body.access_token.split('.')[1]!) : {};
  for (const [pointer, value] of Object.entries(claims)) {
    assert.deepEqual(valueAt(token, pointer), names.fill(value as JsonValue), `claim \`${pointer}\``);
  }
}

/** The answer names the code where its protocol has room for it; the record always does, and is read at the end of the file. */
function checkCode(
  code: string,
  { reaches, recorded, rpc }: Refused,
  body: JsonObject,
  answer: Answer,
  stage: Stage,
): void {
  const told = codeIn(body);
  if (told !== null) assert.equal(told, code, answer.text);
  const decisionId = answer.headers['writ-decision'];
  assert.ok(decisionId, `no \`Writ-Decision\`: ${answer.status} ${answer.text}`);
  if (recorded) stage.refused.push({ decisionId, code, reaches, asks: rpc === RPC.asks });
}

/** Every refusal of the file stands in the log: under the id its caller was told, or counted where nobody was known yet (rules §1.7). */
export async function checkRecords({ plane, refused, provoked }: Stage): Promise<void> {
  assert.ok(refused.length + provoked.size > 0);
  if (provoked.size > 0) {
    await plane.plane.stop();
    const counted = countedRefusals(plane.dataDir);
    for (const [code, times] of provoked) assert.equal(counted.get(code), times, `${code} in ${[...counted]}`);
  }
  const log = new Map(
    (await readLog((plane.plane.ready.log as { dir: string }).dir)).map((record) => [record.id, record]),
  );
  for (const { decisionId, code, reaches, asks } of refused) {
    const record = log.get(decisionId);
    assert.ok(record, `${code}: the log does not know \`${decisionId}\``);
    const outcome = log.get(`${decisionId}.outcome`)?.result as { readonly detail?: string } | undefined;
    // A call that was let through and refused afterwards: the closing record says why.
    if (reaches) assert.equal(outcome?.detail, code);
    else assert.equal(record.code, code, JSON.stringify(record));
    if (!reaches && record.kind === 'decision') assert.equal(record.outcome, asks ? 'approval' : 'deny');
  }
}

/** In an HTTP refusal, in MCP's error data, or in A2A's ErrorInfo. Contract §5. */
function codeIn(body: JsonObject): string | null {
  if (typeof body.code === 'string') return body.code;
  const data = isJsonObject(body.error) ? body.error.data : undefined;
  if (isJsonObject(data) && typeof data.code === 'string') return data.code;
  const metadata = Array.isArray(data) && isJsonObject(data[0]) ? data[0].metadata : undefined;
  return isJsonObject(metadata) && typeof metadata.code === 'string' ? metadata.code : null;
}

export function bodyOf({ text }: Answer): JsonObject {
  const parsed = parseStrictJsonText(text);
  return parsed.ok && isJsonObject(parsed.value) ? parsed.value : {};
}
