import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeEngine as engine } from '../node/engine.ts';
import { utf8 } from '../std/bytes.ts';
import { formatVkey, parseVkey } from './note.ts';
import { isQuorum, parseWitnessPolicy, type WitnessPolicy } from './witness-policy.ts';

/** Keys that nobody signs with; which bytes they are does not matter here. */
const bytesOf = (n: number) => engine.sha256(utf8(`key ${n}`));
const witness = (n: number, name = `w${n}.example`) => formatVkey(engine, name, bytesOf(n), 'witness');
const logKey = formatVkey(engine, 'log.example', bytesOf(0));
const signed = (...numbers: number[]) => numbers.map((n) => ({ key: parseVkey(engine, witness(n))! }));

function policyOf(...lines: string[]): WitnessPolicy {
  const read = parseWitnessPolicy(engine, utf8(`${lines.join('\n')}\n`));
  assert.ok(read.ok, read.ok ? '' : read.says);
  return read.value;
}

const three = [1, 2, 3].map((n) => `witness X${n} ${witness(n)}`);

test('the policy of the standard: two of these, and one of those', () => {
  const policy = policyOf(
    ...['# who is trusted', '', `log ${logKey} https://log.example/`, ...three, 'group X 2 X1 X2 X3'],
    ...[`\twitness  Y1\t${witness(4)} https://y1.example/w `, `witness Y2 ${witness(5)}`, 'group Y any Y1 Y2'],
    ...['group both all X Y', '  # and that is enough', 'quorum both'],
  );
  assert.deepEqual(
    policy.logs.map(({ name }) => name),
    ['log.example'],
  );
  assert.deepEqual(
    policy.witnesses.map(({ url }) => url),
    [null, null, null, 'https://y1.example/w', null],
  );
  for (const [who, enough] of [
    [[1, 2, 4], true],
    [[1, 3, 5], true],
    [[1, 2, 3], false],
    [[1, 4, 5], false],
    [[], false],
    [[1, 1, 4], false],
    [[1, 2, 3, 4, 5], true],
  ] as const) {
    assert.equal(isQuorum(policy, signed(...who)), enough, who.join());
  }
});

test('one witness may be the quorum, and `none` asks for nobody', () => {
  assert.equal(isQuorum(policyOf(...three, 'quorum X2'), signed(1, 3)), false);
  assert.equal(isQuorum(policyOf(...three, 'quorum X2'), signed(2)), true);
  assert.equal(isQuorum(policyOf('quorum none'), []), true);
});

test('a policy that is not exactly one is refused with its line', () => {
  for (const [says, ...lines] of [
    ['it has no `quorum` line', ...three],
    ['it has no `quorum` line', ''],
    ['line 2: there is a quorum already', 'quorum none', 'quorum none'],
    ['line 1: `X1` is not one name defined on a line before', 'quorum X1', ...three],
    ['line 4: `X1 X2` is not one name', ...three, 'quorum X1 X2'],
    ['line 5: `X1` is a member of a group already', ...three, 'group A any X1 X2', 'group B any X1 X3', 'quorum B'],
    ['line 4: `X1` is a member of a group already', ...three, 'group A 2 X1 X1'],
    ['line 4: `X9` is not defined on a line before', ...three, 'group A any X9'],
    ['line 4: `A` is not defined on a line before', ...three, 'group A any A'],
    ['line 4: `0` is not `any`, `all` or a number from 1 to 2', ...three, 'group A 0 X1 X2'],
    ['line 4: `3` is not', ...three, 'group A 3 X1 X2'],
    ['line 4: `02` is not', ...three, 'group A 02 X1 X2'],
    ['line 4: a group needs members', ...three, 'group A any'],
    ['line 4: `X1` is defined already', ...three, `witness X1 ${witness(4)}`],
    ['line 4: `X1` is defined already', ...three, 'group X1 any X2'],
    ['line 4: this witness was named before', ...three, `witness X4 ${witness(1, 'other.example')}`],
    ['line 2: this log was named before', `log ${logKey}`, `log ${formatVkey(engine, 'again', bytesOf(0))}`],
    ['line 1: `none` means no witness', `witness none ${witness(1)}`],
    ['line 4: `none` is not defined', ...three, 'group A any none'],
    [`line 1: \`${logKey}\` is not the key of a witness`, `witness W ${logKey}`],
    [`line 1: \`${witness(1)}\` is not the key of a log`, `log ${witness(1)}`],
    ['line 1: after the key stands at most the URL', `witness W ${witness(1)} ftp://w.example`],
    ['line 1: after the key stands at most the URL', `log ${logKey} https://a.example b`],
    ['line 1: `Quorum` is not `log`', 'Quorum none'],
    ['line 1: it has control characters', 'quorum none\r'],
    ['line 1: `quorum\u00a0none` is not', 'quorum\u00a0none'],
  ]) {
    const read = parseWitnessPolicy(engine, utf8(lines.join('\n')));
    assert.ok(!read.ok && read.says.startsWith(says!), `${says} <> ${read.ok ? 'accepted' : read.says}`);
  }
  assert.equal(parseWitnessPolicy(engine, Uint8Array.of(0xff, 0xfe)).ok, false);
});

test('names are compared as bytes, and 32 of each kind are read', () => {
  const kelvin = policyOf(`witness K ${witness(1)}`, `witness \u212a ${witness(2)}`, 'quorum \u212a');
  assert.deepEqual([isQuorum(kelvin, signed(1)), isQuorum(kelvin, signed(2))], [false, true]);
  const numbers = Array.from({ length: 32 }, (_, i) => i);
  const many = policyOf(
    ...numbers.map((n) => `log ${formatVkey(engine, `log${n}`, bytesOf(100 + n))}`),
    ...numbers.map((n) => `witness w${n} ${witness(n)}`),
    ...numbers.map((n) => `group g${n} all w${n}${n === 0 ? '' : ` g${n - 1}`}`),
    'quorum g31',
  );
  assert.equal(isQuorum(many, signed(...numbers)), true);
  assert.equal(isQuorum(many, signed(...numbers.slice(1))), false);
});
