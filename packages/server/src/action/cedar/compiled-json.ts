// A policy in Cedar's JSON format with every long exact. cedar-wasm hands its JSON over through JavaScript numbers, which past
// 2^53 are other numbers than the author wrote. So long literals travel as marked strings and come back as bigints.

import { type PolicyJson, policyToJson, templateToJson } from '@cedar-policy/cedar-wasm/nodejs';

/** Strings, comments, names and whole numbers of Cedar text; what lies between them holds no digit. */
const TOKENS = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|[A-Za-z_][A-Za-z0-9_]*|[0-9]+/gs;

/** Null when Cedar does not read the text as one static policy. A long past 2^53 is a bigint. */
export function exactPolicyJson(text: string): unknown {
  return exactJson(text, policyToJson);
}

/** The same of one template, slots and all. */
export function exactTemplateJson(text: string): unknown {
  return exactJson(text, templateToJson);
}

function exactJson(text: string, toJson: typeof policyToJson): unknown {
  const answer = toJson(text);
  if (answer.type === 'failure') return null;
  const mark = markFor(text);
  let marked = 0;
  const markedText = text.replace(TOKENS, (token) => {
    if (!/^[0-9]/.test(token) || Number.isSafeInteger(Number(token))) return token;
    marked++;
    return `"${mark}${token}"`;
  });
  if (marked === 0) return answer.json;
  const exact = toJson(markedText);
  return exact.type === 'failure' ? null : unmarked(exact.json, mark);
}

/** Text that the policy does not hold. */
function markFor(text: string): string {
  let mark = 'long:';
  while (text.includes(mark)) mark += ':';
  return mark;
}

function unmarked(json: PolicyJson, mark: string): unknown {
  const exact = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(exact);
    if (typeof node !== 'object' || node === null) return node;
    const long = longOf(node, mark);
    if (long !== null) return { Value: long };
    const negated = 'neg' in node ? longOf((node.neg as { arg: unknown }).arg, mark) : null;
    // Only with its sign is the smallest long one literal.
    if (negated === 2n ** 63n) return { Value: -negated };
    return Object.fromEntries(Object.entries(node).map(([name, member]) => [name, exact(member)]));
  };
  return exact(json);
}

function longOf(node: unknown, mark: string): bigint | null {
  if (typeof node !== 'object' || node === null || !('Value' in node)) return null;
  const { Value: value } = node;
  return typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : null;
}
