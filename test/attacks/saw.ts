// What reached the other side: the last request of all that the tool server or the callee got, and what stands in none of them.

import assert from 'node:assert/strict';
import { canonicalJson, type JsonObject } from '@writ/core';
import type { Step } from './case.ts';
import type { Names, Stage } from './stage.ts';

export function upstreamSaw(
  { with: { never = [], headers = {}, lacks = [], calls } }: Step,
  stage: Stage,
  names: Names,
): void {
  const { upstream } = stage;
  const last = upstream.calls.at(-1);
  assert.ok(last, 'nothing reached the tool server');
  const whole = JSON.stringify([...upstream.calls, ...upstream.rest]);
  for (const text of names.fill(never) as string[]) assert.ok(!whole.includes(text), `the tool server saw \`${text}\``);
  for (const [name, value] of Object.entries(names.fill(headers) as JsonObject))
    assert.equal(last.headers[name], value);
  for (const name of lacks as string[])
    assert.equal(last.headers[name], undefined, `\`${name}\` reached the tool server`);
  if (calls !== undefined) assert.equal(canonicalJson(JSON.parse(last.body).params.arguments), canonicalJson(calls));
}

export function calleeSaw({ with: { never = [], lacks = [], context } }: Step, stage: Stage, names: Names): void {
  const last = stage.callee.arrived.at(-1);
  assert.ok(last, 'nothing reached the callee');
  for (const text of names.fill(never) as string[])
    assert.ok(!JSON.stringify(last).includes(text), `the callee saw \`${text}\``);
  for (const name of lacks as string[]) assert.equal(last.headers[name], undefined, `\`${name}\` reached the callee`);
  if (context === undefined) return;
  const member = JSON.parse(last.body).params.metadata['dev.writ/context'];
  const claims = JSON.parse(Buffer.from(String(member).split('.')[1]!, 'base64url').toString());
  for (const [name, value] of Object.entries(names.fill(context) as JsonObject)) assert.equal(claims[name], value);
}
