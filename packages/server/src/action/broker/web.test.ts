// What the broker fetches, and what it does not: SSRF, DNS rebinding, redirects, size.

import assert from 'node:assert/strict';
import type { LookupFunction } from 'node:net';
import { describe, test } from 'node:test';
import { serve } from './third-party.fixture.ts';
import { isPublicAddress, openWeb, WebError } from './web.ts';

const get = { method: 'GET', headers: {}, body: null } as const;

test('addresses that are nobody’s on the internet are told apart', () => {
  const special = [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '192.0.2.1',
    '198.18.0.1',
  ];
  const special6 = [
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    'fd12::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    'ff02::1',
    '2001:db8::1',
    '::7f00:1',
  ];
  for (const address of [...special, ...special6, 'localhost', ''])
    assert.equal(isPublicAddress(address), false, address);
  for (const address of ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111'])
    assert.equal(isPublicAddress(address), true, address);
});

/** Says what the test says, first and afterwards. */
const names = (...answers: readonly (readonly string[])[]): LookupFunction & { readonly asked: string[] } => {
  const asked: string[] = [];
  const look = ((hostname: string, _options: unknown, done: (error: null, found: unknown) => void) => {
    const found = answers[Math.min(asked.length, answers.length - 1)]!;
    asked.push(hostname);
    done(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as unknown as LookupFunction;
  return Object.assign(look, { asked });
};

describe('a name', () => {
  test('that means a private address is not connected to, unless the operator wrote it', async () => {
    const server = await serve(() => (_req, res) => void res.end('inside'));
    const { port } = new URL(server.url);
    for (const private_ of [['127.0.0.1'], ['::ffff:127.0.0.1'], ['169.254.169.254']]) {
      const web = openWeb({ origins: new Set(), lookup: names(private_) });
      await assert.rejects(
        web.ask(new URL(`https://idp.example:${port}/`), get),
        /`https:\/\/idp.example:\d+\/` does not answer: .*has no public address/,
      );
      await web.close();
    }
    await server.close();
  });

  test('is looked at once for each connection: what was checked is what is connected to (DNS rebinding)', async () => {
    const lookup = names(['203.0.113.1', '10.0.0.1'], ['127.0.0.1']);
    const web = openWeb({ origins: new Set(), lookup });
    // Neither the documentation address nor the private one is left, and nobody asks a second time.
    await assert.rejects(web.ask(new URL('https://idp.example/'), get), /has no public address/);
    assert.deepEqual(lookup.asked, ['idp.example']);
    await web.close();
  });
});

test('plain http, credentials in the address and other schemes are not asked', async () => {
  const web = openWeb({ origins: new Set(['http://10.0.0.1', 'http://127.0.0.1:1']) });
  for (const [url, why] of [
    ['http://8.8.8.8/', /it is not https/],
    ['http://10.0.0.1/', /it is not https/],
    ['https://10.0.0.1/', /no public address, and the configuration does not name it/],
    ['https://localhost/', /no public address/],
    ['https://metadata.localhost/', /no public address/],
    ['https://2130706433/', /no public address/],
    ['https://0x7f.1/', /no public address/],
    ['https://a:b@8.8.8.8/', /carries a name or password/],
    ['ftp://8.8.8.8/', /it is not https/],
  ] as const) {
    await assert.rejects(
      web.ask(new URL(url), get),
      (error) => error instanceof WebError && why.test(error.message),
      url,
    );
  }
  await web.close();
});

test('a redirect, an endless answer and a closed door are errors that repeat nothing of what was sent', async () => {
  const secret = 'secret-that-was-sent';
  const server = await serve((self) => (req, res) => {
    if (req.url!.startsWith('/redirect')) res.writeHead(302, { location: `${self}/ok?leak=${secret}` }).end();
    else if (req.url!.startsWith('/endless')) res.end('x'.repeat(300 * 1024));
    else if (req.url!.startsWith('/cut')) req.socket.destroy();
    else res.end('ok');
  });
  const web = openWeb({ origins: new Set([server.url]) });
  for (const path of ['redirect', 'endless', 'cut']) {
    const asked = web.ask(new URL(`${server.url}/${path}?token=${secret}`), {
      ...get,
      headers: { authorization: `Bearer ${secret}` },
    });
    await assert.rejects(asked, (error) => error instanceof WebError && !error.message.includes(secret), path);
  }
  assert.equal((await web.ask(new URL(`${server.url}/ok`), get)).text, 'ok');
  await web.close();
  await server.close();
});
