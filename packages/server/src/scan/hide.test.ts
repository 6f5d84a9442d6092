import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hider } from './hide.ts';

test('a secret goes wherever it is quoted, as it is, in an address and in JSON', () => {
  const secret = 'p@ss/"w0rd"';
  const { text } = hider([secret]);
  for (const spelling of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
    assert.ok(!text(`before ${spelling} after`).includes('w0rd'), spelling);
});

test('a secret that holds another goes as one, and short words stay', () => {
  const { text } = hider(['abcdef', 'abcdefghijklmnop', 'node']);
  assert.equal(text('x abcdefghijklmnop node'), 'x abcd… node');
});

test('in a fix a word of letters stands for it, so that the piece loads', () => {
  assert.equal(hider(['p4ssw0rd']).fix('servers: { https-u-p4ssw0rd-h: {} }'), 'servers: { https-u-SECRET-h: {} }');
});

test('no secret of six characters or more is left in any text', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9]{8,30}$/);
  fc.assert(
    fc.property(
      fc.array(secret, { minLength: 1, maxLength: 3 }),
      fc.string(),
      fc.string(),
      (secrets, before, after) => {
        const { text, fix } = hider(secrets);
        for (const one of secrets) {
          assert.ok(!text(before + one + after).includes(one));
          assert.ok(!fix(before + one + after).includes(one));
        }
      },
    ),
  );
});
