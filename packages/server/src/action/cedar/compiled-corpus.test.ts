// Cedar's own integration tests and the open half of its fuzz corpus, every request of them, on the compiled evaluator; and one
// request of each on cedar-wasm as well, so that the expectations are known to be those of the version in use.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import {
  type AuthorizationCall,
  isAuthorized,
  policySetTextToParts,
  schemaToJsonWithResolvedTypes,
} from '@cedar-policy/cedar-wasm/nodejs';
import { cedar } from '@writ/core';
import { publicData } from '../../../../../test/public-data.ts';
import { compilePolicies } from './compiled.ts';

interface Case {
  readonly name: string;
  readonly policies: string;
  readonly entities: string;
  /** Cedar text. */
  readonly schema: string;
  readonly requests: readonly Expected[];
}

interface Expected {
  readonly description: string;
  readonly principal: unknown;
  readonly action: unknown;
  readonly resource: unknown;
  readonly context: unknown;
  readonly decision: string;
  readonly reason: readonly string[];
  readonly errors: readonly string[];
}

/** JSON whose longs keep all their digits. */
function parseExact(text: string): unknown {
  const exact = (_: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source ? BigInt(source) : value;
  return JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]);
}

/** The same for cedar-wasm, which is handed JSON text. */
function parseRaw(text: string): unknown {
  const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): unknown };
  const raw = (_: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source ? rawJSON(source) : value;
  return JSON.parse(text, raw as Parameters<typeof JSON.parse>[1]);
}

function typesOf(name: string, text: string): cedar.CedarSchema {
  const answer = schemaToJsonWithResolvedTypes(text);
  if (answer.type === 'failure') return assert.fail(`${name}: ${answer.errors[0]?.message}`);
  const schema = cedar.schemaFromJson(answer.json);
  return 'unsupported' in schema ? assert.fail(`${name}: ${schema.unsupported}`) : schema;
}

/** Cedar names the policies of a text by their place, and lists them by name. */
function policiesOf(text: string): Record<string, string> {
  const parts = policySetTextToParts(text);
  if (parts.type === 'failure') return assert.fail(parts.errors[0]?.message);
  const ids = parts.policies.map((_, i) => `policy${i}`).sort();
  return Object.fromEntries(parts.policies.map((policy, i) => [ids[i]!, policy]));
}

function check({ name, policies, entities, schema, requests }: Case): { requests: number; failing: number } {
  const staticPolicies = policiesOf(policies);
  const compiled = compilePolicies({ staticPolicies });
  const set = cedar.compileSet(
    compiled.map((one) => ('unsupported' in one ? assert.fail(`${name}: ${one.unsupported}`) : one)),
  );
  const typed = typesOf(name, schema);
  const store = typed.entities(parseExact(entities));
  if ('kind' in store) return assert.fail(`${name}: ${store.says}`);
  const source = { get: (key: string) => typed.actions.get(key) ?? store.get(key) };
  for (const expected of requests) {
    const request = typed.request({ ...expected });
    if ('kind' in request) return assert.fail(`${name}: ${request.says}`);
    const { decision, reasons, errors } = set.evaluate(request, source);
    assert.deepEqual(
      [decision, [...reasons].sort(), errors.map(({ id }) => id).sort()],
      [expected.decision.toLowerCase(), [...expected.reason].sort(), [...expected.errors].sort()],
      `${name}: ${expected.description}`,
    );
  }
  return { requests: requests.length, failing: requests.filter(({ errors }) => errors.length > 0).length };
}

function checkWasm({ name, policies, entities, schema }: Case, first: Expected): void {
  const { principal, action, resource, context, decision, reason, errors } = first;
  const call = {
    principal,
    action,
    resource,
    context,
    entities: parseRaw(entities),
    policies: { staticPolicies: policies },
    schema,
    validateRequest: true,
  };
  const answer = isAuthorized(call as AuthorizationCall);
  if (answer.type === 'failure') assert.fail(`${name}: ${answer.errors[0]?.message}`);
  const { diagnostics } = answer.response;
  assert.deepEqual(
    [answer.response.decision, diagnostics.reason.sort(), diagnostics.errors.map(({ policyId }) => policyId).sort()],
    [decision.toLowerCase(), [...reason].sort(), [...errors].sort()],
    name,
  );
}

const own = publicData('cedar/tests');

test("Cedar's integration tests have the expected answers", { skip: own.skip }, (t) => {
  const root = resolve(own.path, '..');
  const files = readdirSync(own.path, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
  const read = (path: string): string => readFileSync(resolve(root, path), 'utf8');
  let requests = 0;
  for (const file of files) {
    const json = parseExact(read(`tests/${file}`)) as Omit<Case, 'name'>;
    const one = {
      ...json,
      name: file,
      policies: read(json.policies),
      entities: read(json.entities),
      schema: read(json.schema),
    };
    requests += check(one).requests;
  }
  t.diagnostic(`${files.length} tests, ${requests} requests`);
  assert.ok(files.length > 20 && requests > 50);
});

const corpus = publicData('cedar/corpus-open.tar.gz');

test('the open fuzz corpus has the expected answers', { skip: corpus.skip }, (t) => {
  const files = untar(gunzipSync(readFileSync(corpus.path)));
  const names = [...files.keys()].filter((name) => /^[0-9a-f]+\.json$/.test(name)).map((name) => name.slice(0, -5));
  const counts = { cases: 0, requests: 0, failing: 0 };
  for (const name of names) {
    const text = files.get(`${name}.json`)!;
    const { requests } = parseExact(text) as { requests: readonly Expected[] };
    const one = {
      name,
      policies: files.get(`${name}.cedar`)!,
      entities: files.get(`${name}.entities.json`)!,
      schema: files.get(`${name}.cedarschema`)!,
      requests,
    };
    const { requests: checked, failing } = check(one);
    checkWasm(one, (parseRaw(text) as Case).requests[0]!);
    counts.cases++;
    counts.requests += checked;
    counts.failing += failing;
  }
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.cases > 3900 && counts.requests > 30_000 && counts.failing > 1500);
});

/** Regular files of a tar archive by name: 512-byte headers, the name first, the size in octal at 124, the type at 156. */
function untar(bytes: Buffer): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const block = 512;
  const textAt = (at: number, length: number): string => bytes.toString('utf8', at, at + length).split('\0', 1)[0]!;
  for (let at = 0; at + block <= bytes.length && bytes[at] !== 0; ) {
    const size = Number.parseInt(textAt(at + 124, 12), 8);
    const body = at + block;
    if (textAt(at + 156, 1) === '0') files.set(textAt(at, 100), bytes.toString('utf8', body, body + size));
    at = body + Math.ceil(size / block) * block;
  }
  return files;
}
