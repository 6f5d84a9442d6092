// One caller's flood is its own trouble.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callOf, peerOf } from '../../../core/src/decision/world.fixture.ts';
import { createCrowd } from './crowd.ts';

const from = (path: string) => callOf(null, { peer: peerOf(path) });

test('a caller has so many places, and another caller its own', () => {
  const crowd = createCrowd(2);
  const [first] = [crowd.enter(from('db/agent')), crowd.enter(from('db/agent'))];
  assert.equal(crowd.enter(from('db/agent')), null);
  assert.ok(crowd.enter(from('db/reader')));
  first!();
  assert.ok(crowd.enter(from('db/agent')));
  assert.equal(crowd.inside(), 3);
});

test('where nobody is known yet, a machine has so many, whatever ports it calls from', () => {
  const crowd = createCrowd(1);
  const at = (remote: string) => callOf(null, { peer: { listener: 'oauth', remote } });
  assert.ok(crowd.enter(at('192.0.2.1:5001')));
  assert.equal(crowd.enter(at('192.0.2.1:5002')), null);
  assert.ok(crowd.enter(at('192.0.2.2:5001')));
});
