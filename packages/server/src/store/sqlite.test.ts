import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { kyselyShape } from './sqlite.ts';

function table() {
  const database = new DatabaseSync(':memory:');
  database.exec('create table t (a, b)');
  return kyselyShape(database);
}

test('an object in first place is refused instead of shifting every value one column to the left', () => {
  const shape = table();
  const insert = shape.prepare('insert into t (a, b) values (?, ?)');
  for (const value of [
    new Date(0),
    {},
    [],
    undefined,
    true,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Symbol('s'),
    () => 1,
  ]) {
    assert.throws(() => insert.run([value, 'second']), /must be text, a finite number, bytes or null/);
  }
  assert.deepEqual(shape.prepare('select count(*) as n from t').all([]), [{ n: 0 }]);
});

test('scalars come back as they went in, in rows with an ordinary prototype', () => {
  const shape = table();
  const insert = shape.prepare('insert into t (a, b) values (?, ?)');
  insert.run(['text', 1.5]);
  insert.run([new Uint8Array([1, 2]), null]);
  assert.deepEqual(shape.prepare('select a, b from t').all([]), [
    { a: 'text', b: 1.5 },
    { a: new Uint8Array([1, 2]), b: null },
  ]);
});

test('a statement is a reader exactly when it gives rows', () => {
  const shape = table();
  assert.equal(shape.prepare('insert into t (a) values (1)').reader, false);
  assert.equal(shape.prepare('insert into t (a) values (1) returning a').reader, true);
  assert.equal(shape.prepare('select a from t').reader, true);
});

test('two walks through the same rows do not disturb each other', () => {
  const shape = table();
  for (const n of [1, 2, 3]) shape.prepare('insert into t (a, b) values (?, ?)').run([n, null]);
  const select = shape.prepare('select a from t order by a');
  const first = select.iterate([]);
  first.next();
  assert.equal([...select.iterate([])].length, 3);
  assert.equal([...first].length, 2);
});
