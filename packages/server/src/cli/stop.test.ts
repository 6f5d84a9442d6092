import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stopOf } from './stop.ts';

const fault = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more });

const table: [title: string, error: Error, exitCode: number, says: RegExp][] = [
  [
    'a port that is taken',
    fault('EADDRINUSE', { address: '127.0.0.1', port: 8443 }),
    2,
    /`127.0.0.1:8443` is taken.*another port/,
  ],
  [
    'an address of another machine',
    fault('EADDRNOTAVAIL', { address: '10.9.9.9', port: 1 }),
    2,
    /`10.9.9.9:1` is not an address of this machine/,
  ],
  ['a disk that is full', fault('ENOSPC', { path: '/d/log' }), 3, /no space left for `\/d\/log`; free some/],
  ['a read-only disk', fault('EROFS', { path: '/d' }), 2, /`\/d` is on a read-only file system; point `data`/],
  ['a key nobody may read', fault('EACCES', { path: '/d/ca.key' }), 2, /may not use `\/d\/ca.key`; change its owner/],
  ['too many files', fault('EMFILE'), 3, /ulimit -n/],
  ['a path too long', fault('ENAMETOOLONG', { path: '/d/x' }), 2, /shorter `data`/],
  ['an error that knows its own way out', Object.assign(new Error('do this'), { exitCode: 3 }), 3, /^do this$/],
];
for (const [title, error, exitCode, says] of table) {
  test(`${title} is one sentence with a way out`, () => {
    const stop = stopOf(error);
    assert.equal(stop?.exitCode, exitCode);
    assert.match(stop.message, says);
    assert.doesNotMatch(stop.message, /\n/);
  });
}

test('anything else is a bug and stays one', () => {
  assert.equal(stopOf(new TypeError('x is not a function')), null);
  assert.equal(stopOf('thrown text'), null);
});
