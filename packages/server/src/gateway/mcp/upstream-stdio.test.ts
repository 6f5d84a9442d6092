// A tool server on standard input and output: whose process it is, what it may know, and what happens when it fails.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UpstreamError } from '../exchange.ts';
import { listServer } from './lists.ts';
import { everything, stdio } from './servers.fixture.ts';
import type { CredentialFor, Upstream } from './upstream.ts';
import type { StdioOptions } from './upstream-stdio.ts';
import { ask, modernRequest, startGateway, type TestGateway } from './world.fixture.ts';

// A server of a few lines whose tools misbehave by name.
const PROGRAM = `
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
let cancelled = 0;
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  const say = (value) => send({ id, result: { content: [{ type: 'text', text: String(value) }] } });
  if (method === 'initialize') return send({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'odd', version: '1' } } });
  if (method === 'notifications/cancelled') return void cancelled++;
  if (method !== 'tools/call') return;
  const act = {
    pid: () => say(process.pid),
    env: () => say(JSON.stringify(process.env)),
    crash: () => process.exit(3),
    garbage: () => process.stdout.write('{"jsonrpc":"2.0","id":' + id + ',"result":{}\\n'),
    twice: () => process.stdout.write('{"jsonrpc":"2.0","id":' + id + ',"id":0,"result":{}}\\n'),
    binary: () => process.stdout.write(Buffer.from([0x7b, 0xff, 0x0a])),
    long: () => process.stdout.write('{' + 'x'.repeat(17 * 1024 * 1024)),
    banner: () => { console.log('welcome to this server'); say('after the banner'); },
    ask: () => { send({ id: 'q', method: 'sampling/createMessage', params: {} }); say('asked'); },
    foreign: () => { send({ id: id + 1000, result: {} }); say('mine'); },
    hang: () => {},
    cancelled: () => say(cancelled),
  }[params.name];
  act();
});
process.stderr.write('a line for the operator\\n');
`;

async function withOdd(
  options: Partial<StdioOptions>,
  body: (gateway: TestGateway, upstream: Upstream, log: string[]) => Promise<void>,
): Promise<void> {
  const log: string[] = [];
  const upstream = stdio(['-e', PROGRAM], { log: ({ says }) => log.push(says), ...options });
  const gateway = await startGateway({ odd: upstream });
  try {
    await body(gateway, upstream, log);
  } finally {
    await gateway.close();
    await upstream.close();
  }
}

async function call(gateway: TestGateway, name: string, token = 'ada'): Promise<string> {
  const init = modernRequest('tools/call', { name }, { authorization: `Bearer ${token}` });
  const { status, body } = await ask(gateway.endpoint('odd'), init);
  return status === 200 ? (body.result!.content as { text: string }[])[0]!.text : `HTTP ${status}`;
}

describe('a process', () => {
  test('serves one person and task, and nobody else', async () => {
    await withOdd({}, async (gateway) => {
      const [a, again, otherTask, otherPerson] = await Promise.all(
        ['ada', 'ada', 'ada.tsk_2', 'bob'].map((token) => call(gateway, 'pid', token)),
      );
      assert.equal(a, again);
      assert.equal(new Set([a, otherTask, otherPerson]).size, 3);
    });
  });

  test('serves everybody when it is declared shared', async () => {
    await withOdd({ shared: true }, async (gateway) => {
      assert.equal(await call(gateway, 'pid', 'ada'), await call(gateway, 'pid', 'bob'));
    });
  });

  test('knows the allow list, its own settings and its secrets, and nothing else of the plane', async () => {
    process.env.WRIT_TEST_SECRET = 'of the plane';
    const credentialFor: CredentialFor = async () => ({ kind: 'env', values: { API_KEY: 'k-1' } });
    await withOdd({ env: { MODE: 'calm' }, credentialFor }, async (gateway) => {
      const env = JSON.parse(await call(gateway, 'env')) as Record<string, string>;
      const known = new Set(['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'MODE', 'API_KEY']);
      assert.deepEqual(
        Object.keys(env).filter((name) => !known.has(name)),
        [],
      );
      assert.deepEqual([env.MODE, env.API_KEY], ['calm', 'k-1']);
    });
    delete process.env.WRIT_TEST_SECRET;
  });

  test('ends with its task', async () => {
    await withOdd({}, async (gateway, upstream, log) => {
      const first = await call(gateway, 'pid', 'ada.tsk_9');
      upstream.endTask('tsk_9');
      assert.notEqual(await call(gateway, 'pid', 'ada.tsk_9'), first);
      await upstream.close();
      assert.ok(log.some((line) => line.startsWith('the process ended')));
    });
  });

  test('that nobody uses is ended', async () => {
    await withOdd({ idleMillis: 10 }, async (gateway) => {
      const first = Number(await call(gateway, 'pid'));
      for (let i = 0; i < 100 && isAlive(first); i++) await new Promise((done) => setTimeout(done, 10));
      assert.ok(!isAlive(first));
      assert.notEqual(Number(await call(gateway, 'pid')), first);
    });
  });

  test('is not started beyond the bound', async () => {
    await withOdd({ processesMax: 1 }, async (gateway) => {
      await call(gateway, 'pid', 'ada');
      assert.equal(await call(gateway, 'pid', 'bob'), 'HTTP 502');
    });
  });

  test('that cannot be started, or ends at once, or says nothing, is an upstream that does not answer', async () => {
    for (const options of [
      { command: ['writ-no-such-program'] },
      { command: [process.execPath, '-e', ''] },
      { command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'], startMillisMax: 50 },
    ] as const) {
      await withOdd(options, async (gateway) => {
        assert.equal(await call(gateway, 'pid'), 'HTTP 502');
      });
    }
  });

  test('speaks to the operator in its error output', async () => {
    await withOdd({}, async (gateway, _upstream, log) => {
      await call(gateway, 'pid');
      assert.ok(log.includes('a line for the operator'));
    });
  });
});

describe('a process that', () => {
  for (const tool of ['crash', 'garbage', 'twice', 'binary', 'long']) {
    test(`answers by \`${tool}\` fails all its calls, and the next call finds a new one`, async () => {
      await withOdd({}, async (gateway) => {
        const first = await call(gateway, 'pid');
        const pending = call(gateway, 'hang');
        assert.equal(await call(gateway, tool), 'HTTP 502');
        assert.equal(await pending, 'HTTP 502');
        assert.notEqual(await call(gateway, 'pid'), first);
      });
    });
  }

  test('greets on its output, asks its client, or answers nobody, is still understood', async () => {
    await withOdd({}, async (gateway, _upstream, log) => {
      assert.equal(await call(gateway, 'banner'), 'after the banner');
      assert.equal(await call(gateway, 'ask'), 'asked');
      assert.equal(await call(gateway, 'foreign'), 'mine');
      assert.ok(log.includes('on its output: welcome to this server'));
    });
  });

  test('is told when its caller hangs up', async () => {
    await withOdd({}, async (gateway) => {
      const pid = await call(gateway, 'pid');
      const hangUp = new AbortController();
      const init = modernRequest('tools/call', { name: 'hang' }, { authorization: 'Bearer ada' });
      const hanging = fetch(gateway.endpoint('odd'), { ...init, signal: hangUp.signal });
      hanging.catch(() => {});
      while ((await call(gateway, 'pid')) !== pid || gateway.started('hang') === 0);
      hangUp.abort();
      await gateway.endedWhere((one) => one.ending?.state === 'cancelled');
      assert.equal(await call(gateway, 'cancelled'), '1');
    });
  });
});

test('a call whose credential is missing says so, and starts nothing', async () => {
  const credentialFor: CredentialFor = async () => {
    throw new UpstreamError('no key', { code: 'action.credential_missing' });
  };
  await withOdd({ credentialFor }, async (gateway, _upstream, log) => {
    const { status, body } = await ask(gateway.endpoint('odd'), modernRequest('tools/call', { name: 'pid' }));
    assert.equal(status, 200);
    assert.equal(body.error?.data?.code, 'action.credential_missing');
    assert.deepEqual(log, []);
  });
});

test('a process that is silent for too long is told, and its call fails', async () => {
  await withOdd({ answerMillisMax: 1_000 }, async (gateway) => {
    assert.equal(await call(gateway, 'hang'), 'HTTP 502');
    assert.equal(await call(gateway, 'cancelled'), '1');
  });
});

test('the plane itself can ask what a server says of itself', async () => {
  const upstream = everything();
  const { tools, prompts, resourceTemplates, resources, instructions } = await listServer(upstream);
  assert.ok(tools.some((tool) => tool.name === 'echo'));
  assert.ok(prompts.length > 0 && resourceTemplates.length > 0 && resources);
  assert.match(instructions!, /\S/);
  await upstream.close();
});

test('two callers of one process keep their ids and progress tokens apart', async () => {
  const upstream = everything({ shared: true });
  const gateway = await startGateway({ every: upstream });
  const run = async (token: string) => {
    const params = {
      name: 'trigger-long-running-operation',
      arguments: { duration: 0.2, steps: 2 },
      _meta: { progressToken: 'same' },
    };
    const init = modernRequest('tools/call', params, { authorization: `Bearer ${token}` });
    const text = await (await fetch(gateway.endpoint('every'), init)).text();
    const events = text.split('\n').filter((line) => line.startsWith('data: '));
    return events.map((line) => JSON.parse(line.slice(6)));
  };
  for (const events of await Promise.all([run('ada'), run('bob')])) {
    assert.equal(events.length, 3);
    assert.deepEqual(
      events.map((event) => event.params?.progressToken ?? event.id),
      ['same', 'same', 7],
    );
  }
  await gateway.close();
  await upstream.close();
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
