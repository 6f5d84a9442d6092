import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { nodeEngine as engine } from '../node/engine.ts';
import { utf8 } from '../std/bytes.ts';
import { canonicalJson, type JsonObject } from '../std/json.ts';
import { signCheckpoint } from './checkpoint.ts';
import { emptyFrontier, extend, leafHash, proveInclusion, treeRoot } from './merkle.ts';
import { formatVkey, type NoteSigner, parseVkey } from './note.ts';
import { formatProofFile, parseProofFile, verifyProofFile } from './proof-file.ts';
import { type LogEntry, type LogQuestion, verifyLog } from './verify-log.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const signer: NoteSigner = {
  name: 'zylos.local/writ/1',
  publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
  sign: (message) => new Uint8Array(sign(null, message, privateKey)),
};
const keys = [parseVkey(engine, formatVkey(engine, signer.name, signer.publicKey))!];

const time = '2026-11-24T12:00:00.000Z';
const decision = (id: string, outcome: string): JsonObject => ({ kind: 'decision', id, time, decisionId: id, outcome });
const closing = (id: string, of: string, decisionSequence: number, state = 'complete'): JsonObject => ({
  kind: 'outcome',
  id,
  time,
  decision: of,
  decisionSequence,
  result: { state },
});
const event = (id: string): JsonObject => ({ kind: 'event', id, time, event: 'start' });

const story = [
  event('e1'),
  decision('d1', 'allow'),
  decision('d2', 'deny'),
  closing('o1', 'd1', 1),
  decision('d3', 'allow'),
];

function entriesOf(records: readonly (JsonObject | string)[]): LogEntry[] {
  return records.map((record, sequence) => {
    const entry = utf8(typeof record === 'string' ? record : canonicalJson(record));
    return { sequence, entry, leaf: leafHash(engine, entry), file: 'segments/00000001', offset: sequence * 100 };
  });
}

function checkpointOf(entries: readonly LogEntry[]): Uint8Array {
  let frontier = emptyFrontier;
  for (const { entry } of entries) frontier = extend(engine, frontier, leafHash(engine, entry));
  return signCheckpoint(engine, { origin: signer.name, size: frontier.size, root: treeRoot(engine, frontier) }, signer);
}

async function codesOf(entries: readonly LogEntry[], more: Partial<LogQuestion> = {}): Promise<string[]> {
  const report = await verifyLog({ engine, keys, checkpoint: checkpointOf(entries), ...more }, entries);
  assert.equal(report.ok, report.findings.length === 0);
  return report.findings.map(({ code, sequence }) => `${code}@${sequence}`);
}

test('a whole log verifies, and an allowed decision without outcome is listed, not found fault with', async () => {
  const entries = entriesOf(story);
  const report = await verifyLog({ engine, keys, checkpoint: checkpointOf(entries) }, entries);
  assert.deepEqual(report.findings, []);
  assert.equal(report.size, 5);
  assert.equal(report.origin, signer.name);
  assert.equal(report.decisions, 3);
  assert.deepEqual(report.unknownOutcomes, ['d3']);
});

test('a checkpoint kept from before must still be contained', async () => {
  const entries = entriesOf(story);
  const kept = [checkpointOf(entries.slice(0, 3))];
  const report = await verifyLog({ engine, keys, checkpoint: checkpointOf(entries), kept }, entries);
  assert.ok(report.ok);
  assert.equal(report.anchor, 'kept');
  // Rewritten and signed again by the log's own key: only the verifier's memory shows it.
  const rewritten = entriesOf(story.with(1, decision('d1', 'deny')).toSpliced(3, 1));
  assert.deepEqual(await codesOf(rewritten), []);
  assert.deepEqual(await codesOf(rewritten, { kept }), ['log.root_mismatch@null']);
  assert.deepEqual(await codesOf(entries.slice(0, 2), { kept }), ['log.shorter_than_checkpoint@2']);
  const foreign = signCheckpoint(engine, { origin: 'other', size: 0, root: treeRoot(engine, emptyFrontier) }, signer);
  assert.deepEqual(await codesOf(entries, { kept: [foreign] }), ['checkpoint.kept_invalid@null']);
});

test('records behind the checkpoint are read too', async () => {
  const entries = entriesOf(story);
  assert.deepEqual(await codesOf(entries, { checkpoint: checkpointOf(entries.slice(0, 2)) }), []);
});

test('removing, swapping or editing one record breaks the proof', async () => {
  const entries = entriesOf(story);
  const checkpoint = checkpointOf(entries);
  const last = entries.slice(0, -1);
  assert.deepEqual(await codesOf(last, { checkpoint }), ['log.shorter_than_checkpoint@4']);
  assert.deepEqual(await codesOf(entries.toSpliced(2, 1), { checkpoint }), ['log.gap@2']);
  const renumbered = entries.toSpliced(2, 1).map((entry, sequence) => ({ ...entry, sequence }));
  assert.deepEqual(await codesOf(renumbered, { checkpoint }), ['log.shorter_than_checkpoint@4']);
  const edited = entries.with(2, { ...entries[2]!, entry: utf8(canonicalJson(decision('d2', 'allow'))) });
  assert.deepEqual(await codesOf(edited, { checkpoint }), ['entry.leaf_mismatch@2', 'log.root_mismatch@null']);
  const rehashed = entriesOf(story.with(2, decision('d2', 'allow')));
  assert.deepEqual(await codesOf(rehashed, { checkpoint }), ['log.root_mismatch@null']);
  const swapped = [entries[0]!, entries[2]!, entries[1]!, ...entries.slice(3)];
  assert.ok((await codesOf(swapped, { checkpoint })).includes('log.gap@1'));
});

for (const [says, records, code] of [
  ['a record that is not canonical', [`{"kind":"event", "id":"e1","time":"${time}"}`], 'entry.not_canonical@0'],
  ['a doubled member', [`{"id":"a","id":"e1","kind":"event","time":"${time}"}`], 'entry.not_canonical@0'],
  ['a record that is not JSON', ['hello'], 'entry.not_canonical@0'],
  ['nesting beyond reason', [`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`], 'entry.not_canonical@0'],
  ['a time without milliseconds', [{ ...event('e1'), time: '2026-11-24T12:00:00Z' }], 'entry.incomplete@0'],
  ['an unknown kind', [{ ...event('e1'), kind: 'note' }], 'entry.incomplete@0'],
  ['an id used twice', [event('e1'), event('e1')], 'entry.duplicate_id@1'],
  ['a decision made twice', [decision('d1', 'deny'), { ...decision('d1', 'deny'), id: 'x' }], 'decision.duplicate@1'],
  ['an outcome of nothing', [closing('o1', 'd1', 0)], 'outcome.without_decision@0'],
  ['an outcome that points elsewhere', [decision('d1', 'allow'), closing('o1', 'd1', 7)], 'outcome.wrong_sequence@1'],
  [
    'a second outcome',
    [decision('d1', 'allow'), closing('o1', 'd1', 0), closing('o2', 'd1', 0)],
    'outcome.duplicate@2',
  ],
] as const) {
  test(`${says} is found`, async () => {
    assert.deepEqual(await codesOf(entriesOf(records)), [code]);
  });
}

test('an outcome recorded as unknown stays on the list', async () => {
  const entries = entriesOf([decision('d1', 'allow'), closing('o1', 'd1', 0, 'unknown')]);
  const report = await verifyLog({ engine, keys, checkpoint: checkpointOf(entries) }, entries);
  assert.deepEqual(report.unknownOutcomes, ['d1']);
  assert.ok(report.ok);
});

test('a checkpoint that is missing or not genuine is found, and the records are checked all the same', async () => {
  const entries = entriesOf([event('e1'), event('e1')]);
  assert.deepEqual(await codesOf(entries, { checkpoint: null }), ['checkpoint.missing@null', 'entry.duplicate_id@1']);
  assert.deepEqual(await codesOf(entries, { keys: [] }), ['checkpoint.invalid@null', 'entry.duplicate_id@1']);
});

test('rules inside a decision and its replay come in from outside', async () => {
  const entries = entriesOf(story);
  const report = await verifyLog(
    {
      engine,
      keys,
      checkpoint: checkpointOf(entries),
      checkDecision: (record) =>
        record.decisionId === 'd1' ? [{ code: 'chain.widened', says: 'hop 2 has more' }] : [],
      replayDecision: ({ decisionId }) =>
        decisionId === 'd1'
          ? 'same'
          : decisionId === 'd2'
            ? 'not_replayable'
            : { code: 'replay.differs', says: 'deny' },
    },
    entries,
  );
  assert.deepEqual(
    report.findings.map(({ code, sequence, offset }) => [code, sequence, offset]),
    [
      ['chain.widened', 1, 100],
      ['replay.differs', 4, 400],
    ],
  );
  assert.equal(report.replayed, 1);
  assert.deepEqual(report.notReplayable, ['d2']);
});

test('a proof file proves one record, and no other', async () => {
  const entries = entriesOf(story);
  const checkpoint = checkpointOf(entries);
  const leaves = entries.map(({ leaf }) => leaf!);
  const read = async (nodes: readonly { level: number; index: number }[]) =>
    nodes.map(({ level, index }) => {
      let frontier = emptyFrontier;
      for (const leaf of leaves.slice(index * 2 ** level, (index + 1) * 2 ** level))
        frontier = extend(engine, frontier, leaf);
      return treeRoot(engine, frontier);
    });
  const proof = await proveInclusion(engine, read, 3, 5);
  const file = formatProofFile({ index: 3, proof, checkpoint, extra: utf8('hint') });
  const question = { entry: entries[3]!.entry, origin: signer.name, keys };
  const verified = verifyProofFile(engine, file, question);
  assert.ok(verified.ok);
  assert.equal(verified.value.index, 3);
  assert.equal(verified.value.checkpoint.size, 5);
  assert.deepEqual(parseProofFile(file)!.extra, utf8('hint'));

  const says = (changed: Partial<typeof question>, bytes = file) => {
    const result = verifyProofFile(engine, bytes, { ...question, ...changed });
    return result.ok ? '' : result.says;
  };
  assert.match(says({ entry: entries[2]!.entry }), /does not stand at 3/);
  assert.match(says({ origin: 'elsewhere' }), /not about `elsewhere`/);
  assert.match(says({ keys: [] }), /no known key/);
  const text = new TextDecoder().decode(file);
  assert.match(says({}, utf8(text.replace('index 3', 'index 2'))), /does not stand at 2/);
  assert.match(says({}, utf8(text.replace('index 3', 'index 03'))), /not a `.tlog-proof`/);
  assert.match(says({}, utf8(text.replace('@v1', '@v2'))), /not a `.tlog-proof`/);
});
