import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { createPins, type Pin, type PinStore, readListing, type ServerListing } from './pins.ts';
import { FILES, listingOf } from './testing.ts';

function memoryStore(): PinStore {
  const pins = new Map<string, readonly Pin[]>();
  return {
    get: async (server) => pins.get(server) ?? [],
    put: async (server, all) => void pins.set(server, all),
  };
}

function setUp() {
  const clock = { now: 1000, nowSeconds: () => clock.now };
  const changes: string[] = [];
  const pins = createPins({ store: memoryStore(), clock, onChange: (server) => changes.push(server) });
  const accept = async (by = 'howard') => pins.accept('files', (await pins.review('files'))!.digest, by);
  const states = async () => (await pins.review('files'))!.entries.map(({ name, state }) => `${name} ${state}`);
  return { pins, clock, changes, accept, states };
}

describe('the digest of a definition', () => {
  const digest = (tool: JsonObject, further: Partial<ServerListing> = {}) =>
    readListing(listingOf([tool], further)).listed[0]!.digest;

  test('covers everything a model might read and everything that says what is called', () => {
    const tool: JsonObject = {
      ...FILES[0]!,
      title: 'Read',
      annotations: { readOnlyHint: true },
      _meta: { a: 1 },
      outputSchema: { type: 'object' },
    };
    const changed: JsonObject[] = [
      { ...tool, title: 'Read!' },
      { ...tool, description: 'other' },
      { ...tool, inputSchema: { type: 'object' } },
      { ...tool, outputSchema: {} },
      { ...tool, annotations: { readOnlyHint: false } },
      { ...tool, _meta: { a: 2 } },
      { ...tool, anything: 'new' },
    ];
    const digests = [digest(tool), ...changed.map((one) => digest(one)), digest(tool, { instructions: 'obey' })];
    assert.equal(new Set(digests).size, digests.length);
    assert.match(digests[0]!, /^sha256:[0-9a-f]{64}$/);
  });

  test('does not depend on the order of members, nor on the other tools', () => {
    const { name, description, inputSchema } = FILES[0]!;
    assert.equal(digest({ inputSchema: inputSchema!, description: description!, name: name! }), digest(FILES[0]!));
    assert.equal(readListing(listingOf(FILES)).listed[0]!.digest, digest(FILES[0]!));
  });

  test('a definition that JSON cannot carry is refused', () => {
    const { listed, refused } = readListing(listingOf([{ ...FILES[0]!, description: '\ud800' }]));
    assert.deepEqual([listed, refused.map(({ name }) => name)], [[], ['read_file']]);
  });
});

describe('a review', () => {
  test('pins exactly what was shown, with the name of who said yes', async () => {
    const { pins, accept, states, changes } = setUp();
    assert.deepEqual(await pins.observe('files', listingOf([FILES[0]!])), { settled: false });
    assert.deepEqual(await states(), ['read_file new']);
    assert.equal(await accept(), 'pinned');
    assert.deepEqual(await states(), ['read_file reviewed']);
    const [pin] = await pins.pins('files');
    assert.deepEqual([pin!.by, pin!.atSeconds], ['howard', 1000]);
    assert.deepEqual(changes, ['files', 'files']);
    assert.deepEqual(await pins.observe('files', listingOf([FILES[0]!])), { settled: true });
    assert.deepEqual(changes, ['files', 'files'], 'the same list again is no change');
  });

  test('pins nothing when the server lists something else by then', async () => {
    const { pins, states } = setUp();
    await pins.observe('files', listingOf([FILES[0]!]));
    const shown = (await pins.review('files'))!.digest;
    await pins.observe('files', listingOf([{ ...FILES[0]!, description: 'other' }]));
    assert.equal(await pins.accept('files', shown, 'howard'), 'stale');
    assert.deepEqual(await states(), ['read_file new']);
  });

  test('shows what changed, what is new and what is gone', async () => {
    const { pins, accept, states } = setUp();
    await pins.observe('files', listingOf([FILES[0]!, FILES[1]!]));
    await accept();
    await pins.observe('files', listingOf([{ ...FILES[0]!, description: 'other' }, FILES[2]!]));
    assert.deepEqual(await states(), ['read_file changed', 'list.names new', 'write_file gone']);
    const review = await pins.review('files');
    assert.deepEqual(review!.entries[0]!.changes, [
      { pointer: '/definition/description', was: 'does read_file', is: 'other' },
    ]);
  });

  test('keeps the first reviewer of what did not change and drops what is gone', async () => {
    const { pins, accept, clock } = setUp();
    await pins.observe('files', listingOf([FILES[0]!, FILES[1]!]));
    await accept();
    clock.now = 2000;
    await pins.observe('files', listingOf([FILES[0]!, FILES[2]!]));
    await accept('ada');
    assert.deepEqual(
      (await pins.pins('files')).map(({ name, by, atSeconds }) => [name, by, atSeconds]),
      [
        ['read_file', 'howard', 1000],
        ['list.names', 'ada', 2000],
      ],
    );
  });

  test('of a server that was never listed is no review', async () => {
    const { pins } = setUp();
    assert.equal(await pins.review('files'), null);
    assert.equal(await pins.accept('files', 'sha256:', 'howard'), 'stale');
  });
});

describe('a list that passes on its way to a caller', () => {
  test('changes the definitions it holds and leaves the others', async () => {
    const { pins, accept, states } = setUp();
    await pins.observe('files', listingOf([FILES[0]!, FILES[1]!]));
    await accept();
    await pins.observeTools('files', [{ ...FILES[1]!, description: 'other' }]);
    assert.deepEqual(await states(), ['read_file reviewed', 'write_file changed']);
  });

  test('says nothing before the server was listed whole', async () => {
    const { pins, changes } = setUp();
    await pins.observeTools('files', FILES);
    assert.equal(pins.listing('files'), null);
    assert.deepEqual(changes, []);
  });
});
