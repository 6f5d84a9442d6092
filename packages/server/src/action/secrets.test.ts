import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createSecrets } from './secrets.ts';

const value = 'k3y+of/the "mail"\\server?é';

function holding(secret = value) {
  const secrets = createSecrets();
  assert.equal(secrets.add(secret, 'mail'), true);
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

describe('a secret is also found', () => {
  const escaped = [...value].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  const percent = [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const forms: readonly (readonly [string, string])[] = [
    ['with every character as a JSON escape', escaped],
    ['with one letter as a JSON escape', JSON.stringify(value).slice(1, -1).replace('k', '\\u006b')],
    ['with one letter percent-encoded', encodeURIComponent(value).replace('k', '%6B')],
    ['in a URL inside a URL', encodeURIComponent(percent)],
    [
      'in base64 with the line breaks of an encoder',
      Buffer.from(value.repeat(3)).toString('base64').replace(/.{19}/g, '$&\n'),
    ],
    ['in hex with colons', Buffer.from(value).toString('hex').replace(/../g, '$&:')],
  ];
  for (const [title, text] of forms) {
    test(title, () => assert.equal(holding().contains(`{"q":"${text}"}`), true));
  }
});

test('rules §3.11: a secret is masked where it stands, and the whole text where it cannot be cut out', () => {
  const secrets = holding();
  assert.equal(
    secrets.masked(`before ${value} after`, () => '[mail]'),
    'before [mail] after',
  );
  assert.equal(
    secrets.masked(`x ${Buffer.from(value).toString('hex').toUpperCase()} y`, () => '[mail]'),
    'x [mail] y',
  );
  assert.equal(
    secrets.masked(`at ${encodeURIComponent(value).replace('k', '%6b')}`, () => '[mail]'),
    '[mail]',
  );
  assert.equal(
    secrets.masked('nothing here', () => '[mail]'),
    'nothing here',
  );
  assert.deepEqual(secrets.namesIn(`before ${value} after`), ['mail']);
});

test('no masked text holds the secret, whatever stands around it', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.string(),
      fc.constantFrom<BufferEncoding>('utf8', 'hex', 'base64', 'base64url'),
      (a, b, form) => {
        const secrets = holding();
        const text = `${a}${Buffer.from(value).toString(form)}${b}`;
        assert.equal(secrets.contains(secrets.masked(text, () => '[mail]')), false);
      },
    ),
  );
});

test('text too short to be told apart is not remembered', () => {
  const secrets = createSecrets();
  assert.equal(secrets.add('1234567', 'mail'), false);
  assert.equal(secrets.contains('1234567'), false);
});
