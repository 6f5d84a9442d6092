import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../std/json.ts';
import type { ArgumentRule } from './manifest.ts';
import { argumentLeaves, argumentsWithoutRole } from './roles.ts';

const rolesOf = (args: JsonObject, rules?: { readonly [pointer: string]: ArgumentRule }) =>
  argumentLeaves(args, rules).map(({ pointer, role, type }) => `${pointer} ${role} ${type}`);

test('an argument without a role is a target', () => {
  assert.deepEqual(rolesOf({ to: 'bob', n: 1 }), ['/to target text', '/n target id']);
});

test('a role covers every leaf below its pointer; null and empty are skipped', () => {
  const args = { to: ['a', 'b', ''], meta: { note: 'x', none: null, empty: {} }, cc: [] };
  const rules: { [pointer: string]: ArgumentRule } = {
    '/to': { role: 'target', type: 'email' },
    '/meta': { role: 'payload' },
  };
  assert.deepEqual(rolesOf(args, rules), ['/to/0 target email', '/to/1 target email', '/meta/note payload text']);
});

test('the closest rule wins, and one that spells the name before a star', () => {
  const rules: { [pointer: string]: ArgumentRule } = {
    '/*': { role: 'payload' },
    '/to': { role: 'target', type: 'email' },
    '/items/*/price': { role: 'value', type: 'number' },
  };
  const args = { to: 'a@b.example', items: [{ price: 3, name: 'x' }] };
  assert.deepEqual(rolesOf(args, rules), [
    '/to target email',
    '/items/0/price value number',
    '/items/0/name payload text',
  ]);
});

test('a member name that leads somewhere is judged like its value', () => {
  assert.deepEqual(
    rolesOf({ to: { 'eve@evil.example': 'cc', name: 'Eve' } }, { '/to': { role: 'target', type: 'email' } }),
    ['/to/eve@evil.example target email', '/to/eve@evil.example target email', '/to/name target email'],
  );
});

test('what a role says nothing of has the usual type', () => {
  assert.deepEqual(rolesOf({ on: '2024-05-19', n: 5 }, { '/on': { role: 'date' }, '/n': { role: 'value' } }), [
    '/on date date',
    '/n value number',
  ]);
});

test('arguments that no rule speaks of are listed for the reviewer', () => {
  assert.deepEqual(argumentsWithoutRole(['a', 'b', 'c/d'], { '/a': { role: 'value' }, '/b/*/x': { role: 'value' } }), [
    '/c~1d',
  ]);
  assert.deepEqual(argumentsWithoutRole(['a'], { '/*': { role: 'target' } }), []);
  assert.deepEqual(argumentsWithoutRole(['a']), ['/a']);
});
