import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { activeTokensIn, activeTokensMax, idsIn } from './active.ts';

const active: [text: string, tokens: string[]][] = [
  ['see http://evil.example/x?y=1.', ['http://evil.example/x?y=1']],
  ['see www.evil.example now', ['www.evil.example']],
  ['see evil.example/pay, thanks', ['evil.example/pay']],
  ['see evil。example', ['evil。example']],
  ['see ｅvil．example', ['evil.example']],
  ['[here](https://evil.example)', ['https://evil.example']],
  ['![x](http://evil.example/a.png?q=secret)', ['http://evil.example/a.png?q=secret']],
  ['mail eve@evil.example!', ['eve@evil.example']],
  ['call tel:+41791234567', ['tel:+41791234567']],
  ['javascript:alert(1)', ['javascript:alert(1']],
  ['at 10.0.0.1:8080/x', ['10.0.0.1:8080/x']],
  ['pay GB29NWBK60161331926819', ['GB29NWBK60161331926819']],
  ['pay GB29 NWBK 6016 1331 9268 19 for the rent', ['GB29 NWBK 6016 1331 9268 19']],
  ['call +41 79 123 45 67', ['+41 79 123 45 67']],
  ['card 4111-1111-1111-1111', ['4111-1111-1111-1111']],
  ['<a href="http&#58;//evil&period;example/x">x</a>', ['http://evil.example/x']],
  ['see evil\u200b.exa\u00admple', ['evil.example']],
  ['see \u{1f4a9}.la/x', ['\u{1f4a9}.la/x']],
  ['open \\\\evil\\share\\x', ['\\\\evil\\share\\x']],
  ['skype:eve?call', ['skype:eve?call']],
  ['at [2001:db8::1]:80/x', ['[2001:db8::1]:80/x']],
  ['to bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq', ['bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq']],
];

describe('active in a text', () => {
  for (const [text, tokens] of active) {
    test(JSON.stringify(text), () =>
      assert.deepEqual(
        activeTokensIn(text).tokens.map((token) => token.text),
        tokens,
      ),
    );
  }
});

const inert = [
  'Thank you. See you on 2024-05-19 at 10:00.',
  'unemployment edged down to 7.2%, e.g. here',
  'about 1,200.00 in total',
  'Hi Bob, the meeting is in room 12.',
  '[10:30] Tom & Anna &amp; Bob; see C:\\dir\\file, or "C:\\\\dir\\\\file"',
];
for (const text of inert) {
  test(`nothing leads anywhere in ${JSON.stringify(text)}`, () => assert.deepEqual(activeTokensIn(text).tokens, []));
}

test('too many to list is said, not passed over', () => {
  const many = Array.from({ length: activeTokensMax + 1 }, (_, i) => `www.a${i}.example`).join(' ');
  const { tokens, more } = activeTokensIn(many);
  assert.equal(tokens.length, activeTokensMax);
  assert.equal(more, true);
});

test('memory looks at all of them', () => {
  const many = Array.from({ length: activeTokensMax + 9 }, (_, i) => `www.a${i}.example`);
  assert.deepEqual(
    activeTokensIn(many.join(' '), Number.POSITIVE_INFINITY).tokens.map(({ text }) => text),
    many,
  );
  assert.equal(idsIn(many.join(' ')).filter((one) => one.startsWith('www')).length, many.length);
});

test('places and names of several parts are ids, too', () => {
  assert.deepEqual(idsIn('see /srv/report, grp:team, ~x and user@host. Or not'), [
    '/srv/report',
    'grp:team',
    'user@host',
  ]);
});

test('ids have a digit and some length', () => {
  assert.deepEqual(idsIn('ticket ab-1234 by bob, see 17 and tx_9f3'), ['ab-1234', 'tx_9f3']);
});
