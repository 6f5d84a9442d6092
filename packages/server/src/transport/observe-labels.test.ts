import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { eventually } from './launch-fixtures.ts';
import { cgroupOf, cgroupPath, isInCgroup, pm2Name, pm2NameOf, unitOf } from './observe-labels.ts';

test('the control group is read from the unified line, or from systemd’s own where both versions are mounted', () => {
  const table: [text: string, path: string | null][] = [
    ['0::/system.slice/a.service\n', '/system.slice/a.service'],
    ['9:name=systemd:/system.slice/a.service\n1:cpu:/x\n0::/\n', '/system.slice/a.service'],
    ['9:name=systemd:/\n1:cpu:/x\n0::/system.slice/a.service\n', '/system.slice/a.service'],
    ['9:name=systemd:/system.slice/a.service\n0::/system.slice/a.service\n', '/system.slice/a.service'],
    ['9:name=systemd:/system.slice/a.service\n0::/system.slice/b.service\n', null],
    ['9:name=systemd:/\n0::/\n', '/'],
    ['4:memory:/system.slice/a.service\n', null],
    ['0::/system.slice/a.service (deleted)\n', null],
    ['0::/../../system.slice/a.service\n', null],
    ['', null],
  ];
  for (const [text, path] of table) assert.equal(cgroupPath(text), path, text);
  assert.match(String(cgroupOf(process.pid)), /^\//);
});

test('a unit is one of the system; what a user calls a unit is none (labs/spiffe §1.2)', () => {
  const table: [cgroup: string, unit: string | null][] = [
    ['/system.slice/agent.service', 'agent.service'],
    ['/system.slice/agent.service/inner', 'agent.service'],
    ['/system.slice/system-agent.slice/agent@one.service', 'agent@one.service'],
    ['/machine.slice/machine-x.scope/agent.service', 'machine-x.scope'],
    ['/user.slice/user-1000.slice/user@1000.service/app.slice/agent.service', null],
    ['/system.slice/user.slice/agent.service', null],
    ['/docker/0123/system.slice/agent.service', null],
    ['/system.slice/agent', null],
    ['/system.slice/a b.service', null],
    ['/', null],
  ];
  for (const [cgroup, unit] of table) assert.equal(unitOf(cgroup), unit, cgroup);
});

test('a group covers what is below it, at a segment boundary', () => {
  assert.ok(isInCgroup('/a/b', '/a') && isInCgroup('/a', '/a'));
  assert.ok(!isInCgroup('/ab', '/a') && !isInCgroup('/', '/a'));
});

test('a PM2 name stands in the environment once, beside an id, or is none', () => {
  assert.equal(pm2Name('PATH=/bin\0name=agent\0pm_id=3\0'), 'agent');
  for (const environ of ['', 'name=agent\0', 'pm_id=3\0', 'name=a\0name=b\0pm_id=3\0', 'username=agent\0pm_id=3\0'])
    assert.equal(pm2Name(environ), null, environ);
});

test('of a live process the name is read, and of one that ended nothing', async (t) => {
  const child = spawn('/bin/sleep', ['30'], { env: { name: 'agent', pm_id: '0' }, stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  await eventually('the environment', () => pm2NameOf(child.pid!) === 'agent');
  child.kill('SIGKILL');
  await eventually('its end', () => pm2NameOf(child.pid!) === null);
});
