import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Options, readOptions } from './options.ts';
import { Stop } from './stop.ts';

const defined = <const All extends Options>(all: All): All => all;

const options = defined({
  id: { type: 'positional' },
  more: { type: 'positional', required: false, repeat: true },
  scope: { type: 'string', repeat: true },
  ttl: { type: 'string', default: '1h' },
  via: { type: 'enum', options: ['mcp', 'a2a'] },
  json: { type: 'boolean' },
});

test('options and positionals are read in any order, and the rest is left alone', () => {
  const { values, rest } = readOptions(options, [
    '--json',
    'x',
    '--scope',
    'a:b',
    'k=v',
    '--scope=c:d',
    '--',
    '--json',
    'y',
  ]);
  assert.deepEqual(values, { id: 'x', more: ['k=v'], scope: ['a:b', 'c:d'], ttl: '1h', via: undefined, json: true });
  assert.deepEqual(rest, ['--json', 'y']);
});

test('a value may begin with one hyphen, and a lone hyphen is a positional', () => {
  assert.equal(readOptions(options, ['-', '--ttl', '-1']).values.ttl, '-1');
  assert.equal(readOptions(options, ['-']).values.id, '-');
});

const refused: [title: string, words: string[], says: RegExp][] = [
  ['an option that is not there', ['x', '--scpoe', 'a'], /`--scpoe` is not an option/],
  ['one letter wrong', ['x', '--scop', 'a'], /did you mean `--scope`/],
  ['a short option', ['x', '-j'], /`-j` is not an option/],
  ['a negation', ['x', '--no-json'], /`--no-json` is not an option/],
  ['a name from Object.prototype', ['x', '--constructor'], /`--constructor` is not an option/],
  ['a positional by its name', ['--id', 'x'], /`--id` is not an option/],
  ['a value that is missing', ['x', '--ttl'], /`--ttl` needs a value/],
  ['a value that is the next option', ['x', '--ttl', '--json'], /`--ttl` needs a value/],
  ['a value where none belongs', ['x', '--json=no'], /`--json` takes no value/],
  ['an option given twice', ['x', '--ttl', '1m', '--ttl', '2m'], /given twice/],
  ['a choice there is not', ['x', '--via', 'http'], /`http` does not fit `--via`; it takes `mcp`, `a2a`/],
  ['a positional that is missing', ['--json'], /ID is missing/],
];
for (const [title, words, says] of refused) {
  test(`${title} is refused with exit code 2`, () => {
    assert.throws(
      () => readOptions(options, words),
      (error) => error instanceof Stop && error.exitCode === 2 && says.test(error.message),
    );
  });
}

test('a word too many is refused where no list takes it', () => {
  const { more: _, ...fewer } = options;
  assert.throws(() => readOptions(fewer, ['x', 'y']), /`y` is one word too many/);
});

test('a required option that is missing is named', () => {
  assert.throws(() => readOptions({ as: { type: 'string', required: true } }, []), /`--as` is missing/);
});
