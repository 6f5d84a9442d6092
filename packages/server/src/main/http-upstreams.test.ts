import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../config/load.ts';
import { createBreaker } from '../gateway/breaker.ts';
import { UpstreamError } from '../gateway/exchange.ts';
import { openHttpUpstreams } from './http-upstreams.ts';

const operation = (id: string, summary: string) =>
  `{ operationId: ${id}, summary: ${summary}, responses: { "200": { description: ok, content: { application/json: {} } } } }`;
const document = (summary: string, more = '') =>
  `openapi: 3.1.0\npaths:\n  /a: { get: ${operation('one', summary)} }\n${more}`;

test('a changed document is another pin from the moment it is read, and one that cannot be used changes nothing (rules §3.7)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'writ-documents-'));
  const file = join(folder, 'crm.yaml');
  const write = (text: string) => writeFileSync(file, text);
  try {
    write(document('first'));
    const yaml = join(folder, 'writ.yaml');
    const servers = 'servers: { crm: { http: { url: "http://127.0.0.1:9/", openapi: crm.yaml } } }';
    writeFileSync(yaml, `version: 1\ntrustDomain: zylos.local\n${servers}\n`, { mode: 0o600 });
    const loaded = loadConfig(yaml);
    assert.ok('config' in loaded, JSON.stringify(loaded));
    const said: string[] = [];
    const upstreams = openHttpUpstreams({
      config: loaded.config,
      credentialFor: async () => ({ kind: 'none' }),
      say: (sentence) => void said.push(sentence),
      traceHeaders: () => ({}),
      breakerFor: (callee) => createBreaker({ callee, monotonicMillis: () => performance.now(), say: () => {} }),
    });
    const upstream = upstreams.byServer.get('crm')!;
    const current = () => upstream.api()!.paths[0]!.operations.get('GET')!;
    assert.equal(upstream.api(), null, 'before it was read nothing is offered');
    assert.equal(upstreams.list('files'), null);

    await upstreams.list('crm');
    const first = current();
    await upstreams.list('crm');
    assert.equal(upstreams.digestOf(current()), upstreams.digestOf(first), 'the same document is the same pin');

    write(document('second', `  /b: { get: { responses: {} } }\n`));
    await upstreams.list('crm');
    await upstreams.list('crm');
    assert.notEqual(upstreams.digestOf(current()), upstreams.digestOf(first));
    assert.deepEqual(said, ['`crm` does not offer GET /b: it has no `operationId`']);

    const second = current();
    for (const broken of ['openapi: 2.0', document('third', '  /{x}: {}\n  /{y}: {}\n')]) {
      write(broken);
      await assert.rejects(upstreams.list('crm')!, UpstreamError);
      assert.equal(current(), second);
    }
    await rm(file);
    await assert.rejects(upstreams.list('crm')!, /cannot be read/);
    await upstreams.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
