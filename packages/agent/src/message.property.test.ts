import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONTEXT_MEMBER,
  contextsIn,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  messageHash,
  parseStrictJsonText,
  withoutContext,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import fc from 'fast-check';

const json = fc.jsonValue({ maxDepth: 4 });
const metadata = fc.option(fc.dictionary(fc.string({ maxLength: 6 }), json, { maxKeys: 3 }), { nil: undefined });
const wild = fc.record({
  jsonrpc: fc.constant('2.0'),
  id: fc.integer(),
  params: fc.record({ message: fc.record({ parts: fc.array(json, { maxLength: 3 }), metadata }), metadata }),
});
/** Bodies as they come out of the one strict parse; what it refuses never gets this far. */
const bodies = wild
  .map((value) => parseStrictJsonText(JSON.stringify(value)))
  .filter((parsed) => parsed.ok)
  .map((parsed) => parsed.value as JsonObject);

const hash = (body: JsonValue) => messageHash({ method: 'POST', target: '/a2a', body }, nodeEngine);

/** As a gateway puts a member into the metadata. */
function carrying(body: JsonObject, name: string, value: JsonValue): JsonObject {
  const params = body.params as JsonObject;
  const { metadata: before } = params;
  return { ...body, params: { ...params, metadata: { ...(isJsonObject(before) ? before : {}), [name]: value } } };
}

test('putting the context in does not change the digest, and taking it out leaves none', () => {
  fc.assert(
    fc.property(bodies, fc.string(), (body, context) => {
      const sent = carrying(body, CONTEXT_MEMBER, context);
      assert.equal(hash(sent), hash(body));
      assert.deepEqual(contextsIn(sent), [context]);
      assert.deepEqual(contextsIn(withoutContext(sent)), []);
      assert.equal(hash(withoutContext(sent)), hash(body));
    }),
  );
});

test('any other change of the message changes the digest', () => {
  fc.assert(
    fc.property(bodies, json, (body, value) => {
      const params = body.params as JsonObject;
      const changed = [
        { ...body, id: (body.id as number) + 1 },
        { ...body, extra: 0 },
        { ...body, params: { ...params, message: [params.message!] } },
        carrying(body, 'somebody else’s', typeof value === 'string' ? value : 'x'),
      ];
      assert.equal(new Set([body, ...changed].map(hash)).size, changed.length + 1);
    }),
  );
});
