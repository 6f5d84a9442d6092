// Macaroons against the `macaroon` package, both ways; and what is refused besides.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBase64Url, toBase64Url } from '../../../std/base64.ts';
import { concat, toHex, utf8, utf8Text } from '../../../std/bytes.ts';
import { boxNonceBytes } from '../engine.ts';
import { capEngine } from '../keys.fixture.ts';
import { addCondition, addThirdParty, bindDischarge, mintMacaroon } from './build.ts';
import { type Macaroon, readBinaryV2, writeBinaryV2 } from './form.ts';
import { hmacSha256 } from './hmac.ts';
import { oracle, oracleConditions } from './oracle.fixture.ts';
import { type Macaroons, macaroonJson, macaroonsText, parseMacaroons } from './text.ts';
import { verifyMacaroons } from './verify.ts';

const secret = utf8('a secret of the plane');
const where = utf8('https://plane.example');
const third = {
  identifier: utf8('approval 17'),
  secret: utf8('shared with the approver'),
  location: utf8('https://approver.example'),
  nonce: capEngine.sha256(utf8('nonce')).subarray(0, boxNonceBytes),
};

function minted(...conditions: readonly string[]): Macaroon {
  const bare = mintMacaroon(utf8('id'), secret, where, capEngine);
  return conditions.reduce((one, condition) => addCondition(one, utf8(condition), capEngine), bare);
}

function discharged(until = 'until 2000'): Macaroons {
  const root = addCondition(addThirdParty(minted('one'), third, capEngine), utf8('two'), capEngine);
  const discharge = addCondition(
    mintMacaroon(third.identifier, third.secret, third.location, capEngine),
    utf8(until),
    capEngine,
  );
  return [root, bindDischarge(root, discharge, capEngine)];
}

const judged = (macaroons: Macaroons, key = secret) => verifyMacaroons(macaroons, key, where, capEngine);
const binary = (macaroons: Macaroons) => concat(...macaroons.map(writeBinaryV2));

test('HMAC-SHA256 is RFC 4231’s, with keys shorter and longer than a block', () => {
  const hex = (key: Uint8Array, message: string) => toHex(hmacSha256(key, utf8(message), capEngine));
  assert.equal(
    hex(utf8('Jefe'), 'what do ya want for nothing?'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
  assert.equal(
    hex(new Uint8Array(131).fill(0xaa), 'Test Using Larger Than Block-Size Key - Hash Key First'),
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  );
});

test('a box opens with its own key and nonce, at any length, and not with a bit changed', () => {
  const key = capEngine.sha256(utf8('key'));
  for (const length of [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 200]) {
    const message = new Uint8Array(length).map((_, i) => i * 7);
    const sealed = capEngine.sealBox(message, third.nonce, key);
    assert.deepEqual(capEngine.openBox(sealed, third.nonce, key), message);
    for (let at = 0; at < sealed.length; at++) {
      assert.equal(
        capEngine.openBox(
          sealed.map((byte, i) => (i === at ? byte ^ 1 : byte)),
          third.nonce,
          key,
        ),
        null,
      );
    }
    assert.equal(capEngine.openBox(sealed, third.nonce, capEngine.sha256(key)), null);
  }
  // Whoever writes the caveat chooses its lengths.
  for (let length = 0; length < boxNonceBytes + 16; length++) {
    const box = new Uint8Array(length);
    assert.equal(capEngine.openBox(box.subarray(boxNonceBytes), box.subarray(0, boxNonceBytes), key), null);
    assert.equal(capEngine.openBox(new Uint8Array(48), third.nonce, key.subarray(0, Math.min(length, 31))), null);
  }
});

test('ours are accepted by the package, in binary and JSON, with the same conditions', () => {
  assert.deepEqual(oracleConditions([writeBinaryV2(minted('one', 'two'))], secret), ['one', 'two']);
  assert.deepEqual(oracleConditions(discharged().map(writeBinaryV2), secret), ['one', 'until 2000', 'two']);
  assert.equal(oracleConditions([writeBinaryV2(minted('one'))], utf8('another')), null);
  const [root, discharge] = discharged();
  const [theirRoot, theirDischarge] = [root, discharge!].map((one) =>
    oracle.importMacaroon(JSON.parse(macaroonJson(one))),
  );
  theirRoot!.verify(secret, () => null, [theirDischarge!]);
});

test('the package’s are accepted by us, in binary and JSON, with the same conditions', () => {
  const root = oracle.newMacaroon({ identifier: 'id', location: 'https://plane.example', rootKey: secret });
  root.addFirstPartyCaveat('one');
  root.addThirdPartyCaveat(third.secret, third.identifier, 'https://approver.example');
  root.addFirstPartyCaveat('two');
  const discharge = oracle.newMacaroon({
    identifier: third.identifier,
    location: 'https://approver.example',
    rootKey: third.secret,
  });
  discharge.addFirstPartyCaveat('three');
  discharge.bindToRoot(root.signature);
  const json = JSON.stringify([root.exportJSON(), discharge.exportJSON()]);
  const verified = judged(parseMacaroons(json)!);
  assert.ok(typeof verified === 'object', String(verified));
  assert.deepEqual(verified.conditions.map(utf8Text), ['one', 'two']);
  assert.deepEqual(verified.dischargeConditions.map(utf8Text), ['three']);
  assert.equal(verified.ids.length, 4);
  const short = oracle.newMacaroon({ identifier: 'id', location: 'https://plane.example', rootKey: secret });
  const read = parseMacaroons(toBase64Url(short.exportBinary()))!;
  assert.equal(typeof judged(read), 'object');
  assert.deepEqual(writeBinaryV2(read[0]), short.exportBinary());
});

test('ids are hashes: knowing one is not holding a wider macaroon', () => {
  const verified = judged([minted('one')]);
  assert.ok(typeof verified === 'object');
  assert.notEqual(verified.ids[1], toHex(minted('one').signature));
  assert.equal(
    verified.ids[0],
    (judged([minted()]) as typeof verified).ids[0],
    'a narrower one keeps the ids of the wider',
  );
});

const refused: [name: string, fault: string, macaroons: () => Macaroons][] = [
  ['another secret', 'signature_invalid', () => [mintMacaroon(utf8('id'), utf8('thief'), where, capEngine)]],
  ['a condition left out', 'signature_invalid', () => [{ ...minted('one', 'two'), caveats: minted('one').caveats }]],
  [
    'conditions in another order',
    'signature_invalid',
    () => [{ ...minted('one', 'two'), caveats: minted('one', 'two').caveats.toReversed() }],
  ],
  ['another place', 'location', () => [{ ...minted(), location: utf8('https://evil.example') }]],
  ['no discharge', 'discharge_missing', () => [discharged()[0]]],
  [
    'a discharge that was not bound (lab §4)',
    'signature_invalid',
    () => {
      const [root] = discharged();
      return [
        root,
        addCondition(mintMacaroon(third.identifier, third.secret, third.location, capEngine), utf8('x'), capEngine),
      ];
    },
  ],
  [
    'a discharge bound to another root',
    'signature_invalid',
    () => {
      const other = addThirdParty(minted('three'), third, capEngine);
      const bare = mintMacaroon(third.identifier, third.secret, third.location, capEngine);
      return [discharged()[0], bindDischarge(other, bare, capEngine)];
    },
  ],
  ['a discharge that nobody asked for', 'discharge_unused', () => [minted(), discharged()[1]!]],
  ['a discharge twice', 'discharge_unused', () => [...discharged(), discharged()[1]!] as unknown as Macaroons],
  [
    'a discharge made with another key',
    'signature_invalid',
    () => {
      const [root] = discharged();
      return [
        root,
        bindDischarge(root, mintMacaroon(third.identifier, utf8('thief'), third.location, capEngine), capEngine),
      ];
    },
  ],
  [
    'a discharge from another place',
    'location',
    () => {
      const [root, discharge] = discharged();
      return [root, { ...discharge!, location: utf8('https://evil.example') }];
    },
  ],
];
for (const [name, fault, macaroons] of refused) {
  test(`${name}: ${fault}`, () => assert.equal(judged(macaroons()), fault));
}

test('a text has one spelling', () => {
  const text = macaroonsText(discharged());
  assert.equal(parseMacaroons(text)?.length, 2);
  const bytes = fromBase64Url(text)!;
  const [root, discharge] = [minted('one'), discharged()[1]!];
  const json = macaroonJson(root);
  assert.equal(parseMacaroons(`[${json},${macaroonJson(discharge)}]`)?.length, 2);
  for (const [name, bad] of [
    ['cut', text.slice(0, -4)],
    ['more after it', toBase64Url(concat(bytes, Uint8Array.of(0)))],
    ['nothing', ''],
    ['a space', json.replace('{', '{ ')],
    ['an unknown member', json.replace('{', '{"x":1,')],
    ['a member twice', json.replace('{', '{"v":2,')],
    ['text and base64', json.replace('"i":"id"', '"i":"id","i64":"aWQ"')],
    ['version 3', json.replace('"v":2', '"v":3')],
    ['an empty list', '[]'],
    ['a long length', toBase64Url(Uint8Array.of(2, 2, 0x82, 0, 0x69, 0x64, 0, 0))],
  ] as const)
    assert.equal(parseMacaroons(bad), null, name);
});

test('each byte of a macaroon with a discharge is held by something', () => {
  const bytes = binary(discharged());
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [1, 0x20, 0x80]) {
      const flipped = bytes.map((byte, i) => (i === at ? byte ^ mask : byte));
      const first = readBinaryV2(flipped, 0);
      const second = first && readBinaryV2(flipped, first.end);
      const whole = second?.end === flipped.length ? ([first!.macaroon, second.macaroon] as const) : null;
      if (whole) assert.equal(typeof judged(whole), 'string', `byte ${at}`);
    }
  }
});

// libmacaroons' README example: version 1, three packets and a condition.
test('version 1 is read', () => {
  const packet = (name: string, value: Uint8Array) => {
    const body = concat(utf8(`${name} `), value, utf8('\n'));
    return concat(utf8((body.length + 4).toString(16).padStart(4, '0')), body);
  };
  const { location, identifier, caveats, signature } = discharged()[0];
  const v1 = concat(
    packet('location', location!),
    packet('identifier', identifier),
    ...caveats.flatMap((caveat) => [
      packet('cid', caveat.identifier),
      ...(caveat.verificationId ? [packet('vid', caveat.verificationId), packet('cl', caveat.location!)] : []),
    ]),
    packet('signature', signature),
  );
  const [root, ...more] = parseMacaroons(toBase64Url(v1))!;
  assert.equal(toHex(writeBinaryV2(root)), toHex(writeBinaryV2(discharged()[0])));
  assert.equal(more.length, 0);
  assert.equal(typeof judged([root, discharged()[1]!]), 'object');
  const upper = v1.slice();
  upper.set(utf8('001F'), 0);
  assert.equal(parseMacaroons(toBase64Url(upper)), null);
});
