import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createSecrets } from './secrets.ts';

const value = 'k3y+of/the "mail"\\server?é';

function holding(secret = value) {
  const secrets = createSecrets();
  assert.equal(secrets.add(secret), true);
  return secrets;
}

describe('a secret is found', () => {
  const bytes = Buffer.from(value);
  const forms: readonly (readonly [string, string])[] = [
    ['as it is', value],
    ['in JSON', JSON.stringify({ key: value })],
    ['in a URL', `https://example.org/?q=${encodeURIComponent(value)}`],
    [
      'in a URL with every byte escaped',
      [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
    ],
    ['in hex', bytes.toString('hex')],
    ['in upper-case hex', bytes.toString('hex').toUpperCase()],
    ['in base64url', bytes.toString('base64url')],
  ];
  for (const [title, text] of forms) {
    test(title, () => assert.equal(holding().contains(`before ${text} after`), true));
  }

  test('in base64, whatever stands before and after it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 9 }), fc.string({ maxLength: 9 }), (before, after) => {
        const text = Buffer.from(`${before}${value}${after}`).toString('base64');
        assert.equal(holding().contains(text), true);
      }),
    );
  });
});

test('ordinary text holds none, nor half of one', () => {
  const secrets = holding();
  assert.equal(secrets.contains(value.slice(0, -1)), false);
  assert.equal(secrets.contains(Buffer.from('something else altogether').toString('base64')), false);
  assert.equal(createSecrets().contains(''), false);
});

test('a secret is found however the body is cut into pieces', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(value, Buffer.from(value).toString('base64url')),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
      (text, sizes) => {
        const scan = holding().scanner();
        const body = `some text before ${text} and some after`;
        let found = false;
        for (let at = 0, i = 0; at < body.length; i++) {
          const size = sizes[i % sizes.length]!;
          found ||= scan(body.slice(at, at + size));
          at += size;
        }
        assert.equal(found, true);
      },
    ),
  );
});

test('text too short to be told apart is not remembered', () => {
  const secrets = createSecrets();
  assert.equal(secrets.add('1234567'), false);
  assert.equal(secrets.contains('1234567'), false);
});
