import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, JsonValue } from '@writ/core';
import { type SearchKind, type SearchPorts, search } from './search.ts';

const ids = Array.from({ length: 250 }, (_, i) => `files/tool_${String(i).padStart(3, '0')}`);
const ports: SearchPorts = {
  subjects: (type) => ({ user: ['ada', 'eve', 'howard'], agent: ['spiffe://zylos.local/a/b'] })[type] ?? [],
  resources: (type) => ({ tool: ['files/read', 'files/write', 'mail/send'], many: ids })[type] ?? [],
  couldDo: ({ id }, { callee, name }) => id !== 'eve' && callee === 'files' && (name !== 'write' || id === 'ada'),
};
const asked = (over: JsonObject = {}): JsonObject => ({
  subject: { type: 'user', id: 'howard' },
  action: { name: 'tools/call' },
  resource: { type: 'tool', id: 'files/read' },
  ...over,
});
function found(kind: SearchKind, body: JsonValue, over: Partial<SearchPorts> = {}): JsonObject {
  const answer = search(kind, body, { ...ports, ...over });
  assert.ok('json' in answer, JSON.stringify(answer));
  return answer.json;
}

test('who could use a tool', () => {
  assert.deepEqual(found('subject', asked({ subject: { type: 'user' } })).results, [
    { type: 'user', id: 'ada' },
    { type: 'user', id: 'howard' },
  ]);
  const ada = found(
    'subject',
    asked({ subject: { type: 'user', id: 'ignored' }, resource: { type: 'tool', id: 'files/write' } }),
  );
  assert.deepEqual(ada.results, [{ type: 'user', id: 'ada' }]);
});

test('what somebody could use, and how', () => {
  assert.deepEqual(found('resource', asked({ resource: { type: 'tool' } })).results, [
    { type: 'tool', id: 'files/read' },
  ]);
  assert.deepEqual(found('action', asked()).results, [{ name: 'tools/call' }]);
  assert.deepEqual(found('action', asked({ resource: { type: 'tool', id: 'mail/send' } })).results, []);
});

const nothing: [why: string, kind: SearchKind, over: JsonObject][] = [
  ['a type nobody has', 'subject', { subject: { type: 'group' } }],
  ['a resource of a kind that is not here', 'subject', { resource: { type: 'record', id: 'x' } }],
  ['an action that such a resource does not have', 'resource', { action: { name: 'tools/list' } }],
];
for (const [why, kind, over] of nothing) {
  test(`${why} finds nothing`, () => assert.deepEqual(found(kind, asked(over)).results, []));
}

test('pages follow each other without a gap, and belong to one search', () => {
  const operation: Partial<SearchPorts> = { resources: () => ids, couldDo: () => true };
  const body = asked({ resource: { type: 'tool' } });
  const seen: string[] = [];
  let token = '';
  for (let pages = 0; pages < 10; pages++) {
    const page: JsonObject = token === '' ? {} : { token };
    const answer = found('resource', { ...body, page }, operation);
    seen.push(...(answer.results as readonly { id: string }[]).map(({ id }) => id));
    const { next_token: next, total } = answer.page as { next_token: string; total: number };
    assert.equal(total, 250);
    if (next === '') break;
    token = next;
  }
  assert.deepEqual(seen, ids);
  const other = search(
    'resource',
    { ...asked({ resource: { type: 'tool' }, subject: { type: 'user', id: 'ada' } }), page: { token } },
    ports,
  );
  assert.ok('malformed' in other);
});

const malformed: [why: string, kind: SearchKind, body: JsonValue][] = [
  ['text', 'subject', 'x'],
  ['no type of subject', 'subject', asked({ subject: {} })],
  ['no subject to search for', 'resource', asked({ subject: { type: 'user' } })],
  ['no resource', 'action', asked({ resource: { type: 'tool' } })],
  ['no action', 'subject', asked({ action: {} })],
  ['a page that is a number', 'subject', asked({ page: 1 })],
  ['a limit of nothing', 'subject', asked({ page: { limit: 0 } })],
  ['a token that somebody made', 'subject', asked({ page: { token: 'x.1' } })],
];
for (const [why, kind, body] of malformed) {
  test(`${why} is refused with a sentence`, () => assert.ok('malformed' in search(kind, body, ports)));
}
