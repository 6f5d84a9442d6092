import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { maySeePrograms } from './check-attest.ts';
import { parseConfig } from './load.ts';

const head = 'version: 1\ntrustDomain: zylos.local\n';
const problems = (text: string, seesPrograms: boolean) => {
  const loaded = parseConfig(head + text, '/tmp/writ.yaml', { planeUid: 1000, seesPrograms });
  return 'problems' in loaded ? loaded.problems.map(({ path, says }) => ({ path, says })) : [];
};
const sha256 = 'a'.repeat(64);

test('rules §1.1: a program of another uid is no selector for a plane that cannot see it', () => {
  for (const selector of ['path: /bin/x', `sha256: ${sha256}`, 'pm2: agent']) {
    const name = selector.split(':')[0]!;
    const text = `agents:\n  a/b: { attest: { uid: 7, ${selector} } }\n`;
    assert.deepEqual(problems(text, true), []);
    assert.deepEqual(problems(text, false), [
      {
        path: `agents.a/b.attest.${name}`,
        says: `\`${name}\` cannot be seen of uid 7's processes: that needs CAP_SYS_PTRACE or root, which this plane does not have`,
      },
    ]);
    assert.deepEqual(problems(text.replace('uid: 7', 'uid: 1000'), false), [], 'its own processes it sees');
  }
});

test('uid, gid, unit, control group, parent and launch work without', () => {
  const text = `agents:
  a/b: { attest: { uid: 7, gid: 7, unit: agent.service, cgroup: /system.slice } }
  a/c: { attest: { uid: 8, parent: a/b } }
  a/d: { attest: { uid: 9, launched: true } }
`;
  assert.deepEqual(problems(text, false), []);
});

test('an identity lives a minute at least', () => {
  const short = problems('identity: { ttl: 59s }\nagents:\n  a/b: { attest: { uid: 7 }, ttl: 30s }\n', true);
  assert.deepEqual(
    short.map(({ path }) => path),
    ['identity.ttl', 'agents.a/b.ttl'],
  );
  assert.deepEqual(problems('identity: { ttl: 60s }\nagents:\n  a/b: { attest: { uid: 7 }, ttl: 1m }\n', true), []);
});

test('what this process may see is what the kernel lets it see', (t) => {
  const root = process.getuid?.() === 0;
  // As root of a child that runs as somebody else; as anybody else of the first process.
  const child = root ? spawn('/bin/sleep', ['30'], { uid: 12345, gid: 12345, stdio: 'ignore' }) : null;
  t.after(() => child?.kill('SIGKILL'));
  let seen = true;
  try {
    readlinkSync(`/proc/${child?.pid ?? 1}/exe`);
  } catch {
    seen = false;
  }
  assert.equal(maySeePrograms(), seen);
});
