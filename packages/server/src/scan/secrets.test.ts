// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these texts are what is judged

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { entropy, isPlaceholder, isReference, redacted, saysSecret, secretsIn } from './secrets.ts';

describe('a name promises a secret', () => {
  const yes = [
    'API_KEY',
    'apiKey',
    'x-api-key',
    '--access-token',
    'clientSecret',
    'DB_PASSWORD',
    'PGPASS',
    'PGPASSWORD',
    'clientsecret',
    'Authorization',
    'auth',
    'PRIVATE_KEY',
    'GITHUB_PAT',
    'session',
    'Cookie',
    'STORAGE_CONNECTION_STRING',
  ];
  const no = [
    'API_KEY_PATH',
    'TOKEN_LIMIT',
    'MAX_TOKENS',
    'maxTokens',
    'AUTH_URL',
    'PUBLIC_KEY',
    'SECRET_NAME',
    'KEY_ID',
    'AWS_ACCESS_KEY_ID',
    'MONKEY',
    'COMPASS',
    'BYPASS',
    'maxtokens',
    'keyboard',
    'author',
    'PATH',
    'TOKENIZER',
    'PASSWORD_FILE',
    'bearer_token_env_var',
    'sessionTimeout',
  ];
  for (const key of yes) test(`${key} does`, () => assert.ok(saysSecret(key)));
  for (const key of no) test(`${key} does not`, () => assert.ok(!saysSecret(key)));
});

describe('a reference', () => {
  const yes = [
    '${X}',
    '${env:X}',
    '${input:x}',
    '$X',
    'Bearer $X',
    'Bearer ${X}',
    '%X%',
    '{env:X}',
    '{file:~/.x}',
    '<token>',
    '$(pass show x)',
    'op://a/b/c',
    'arn:aws:ssm:eu-central-1:1:parameter/x',
    'env:X',
    '{{ secrets.X }}',
  ];
  const no = ['abc$def', 'Bearer abc', 'p@$$w0rd', 'a%20b', 'env', 'https://x.example'];
  for (const text of yes) test(`${text} is one`, () => assert.ok(isReference(text)));
  for (const text of no) test(`${text} is none`, () => assert.ok(!isReference(text)));
});

describe('a placeholder', () => {
  const yes = [
    'your-key',
    'YOUR_API_KEY',
    'sk-your-key-here',
    'xxxxxxxx',
    'ghp_xxxxxxxxxxxx',
    '...',
    'changeme',
    'replace-me',
    '1234567890',
    'abcdefgh',
    '0123456789abcdef',
    'my-secret-token',
    'example-token',
    '********',
    'aaaaaaaa',
    'put-your-token-here',
  ];
  const no = ['hunter2', 'correct-horse-battery', 'tr0ub4dor&3', 'mypass', 'S3cure!', 'prod-db-2024'];
  for (const text of yes) test(`${text} is one`, () => assert.ok(isPlaceholder(text)));
  for (const text of no) test(`${text} is none`, () => assert.ok(!isPlaceholder(text)));
});

const weak = ['hun', 'ter', '22!'].join('');
const found: [title: string, key: string | null, text: string, values: string[]][] = [
  ['a weak password under its name', 'DB_PASSWORD', weak, [weak]],
  ['a bearer value without its scheme', 'Authorization', `Bearer ${weak}${weak}`, [weak + weak]],
  ['the password of a connection', null, `postgres://u:${weak}@h/d`, [weak]],
  [
    'values of JSON by their names',
    'HEADERS',
    JSON.stringify({ 'X-Api-Key': weak + weak, Accept: 'application/json' }),
    [weak + weak],
  ],
  ['a header in one argument', '--header', `X-Api-Key: ${weak}${weak}`, [weak + weak]],
  ['nothing in a switch', 'AUTH', 'true', []],
  ['nothing in a path', 'TOKEN', '/run/secrets/token', []],
  ['nothing in an address', 'AUTH_KEY', 'https://x.example/keys', []],
  ['nothing in the name of a variable', 'TOKEN', 'MY_OTHER_TOKEN_X1', []],
  ['nothing in a word', 'API_KEY', 'production', []],
  ['nothing without a name and without chance', null, 'some-long-but-plain-argument-value', []],
];
for (const [title, key, text, values] of found)
  test(`${title} is found`, () =>
    assert.deepEqual(
      secretsIn(key, text).map(({ value }) => value),
      values,
    ));

test('a secret is found where it stands in the text', () => {
  for (const text of [
    `  Bearer ${weak}${weak}`,
    JSON.stringify({ a: 1, token: `${weak}${weak}` }),
    `postgres://u:${weak}${weak}@h`,
  ]) {
    const [secret] = secretsIn('Authorization', text);
    assert.equal(text.slice(secret!.at, secret!.at + secret!.value.length), secret!.value);
  }
});

test('at most four characters are shown, and of short ones at most a quarter', () => {
  assert.equal(redacted('abcdefghijklmnopqrst'), 'abcd…, 20 characters');
  assert.equal(redacted('abcdefgh'), 'ab…, 8 characters');
  assert.equal(redacted('abc'), '…, 3 characters');
});

test('chance is measured in bits per character', () => {
  assert.equal(entropy(''), 0);
  assert.equal(entropy('aaaa'), 0);
  assert.equal(entropy('abab'), 1);
  assert.equal(entropy('abcdefgh'), 3);
});
