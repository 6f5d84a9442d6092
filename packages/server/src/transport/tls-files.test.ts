import assert from 'node:assert/strict';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createPrivateFile, openPrivateFolder, readPrivateFile } from './tls-files.ts';
import { temporaryFolder } from './tls-fixtures.ts';

test('a private file is made once; whoever comes second changes nothing and is told so', async (t) => {
  const dir = await temporaryFolder(t);
  const path = join(dir, 'key');
  assert.equal(await readPrivateFile(path), null);
  assert.equal(await createPrivateFile(path, 'first', 'draft-a'), true);
  assert.equal(await createPrivateFile(path, 'second', 'draft-b'), false);
  assert.equal(await readPrivateFile(path), 'first');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(dir), ['key'], 'no draft stays behind');
});

test('a draft that somebody else put in place is not written into', async (t) => {
  const dir = await temporaryFolder(t);
  await writeFile(join(dir, 'key.draft'), 'theirs');
  await assert.rejects(createPrivateFile(join(dir, 'key'), 'ours', 'draft'), { code: 'EEXIST' });
  assert.deepEqual(await readdir(dir), ['key.draft']);
});

test('what should be a folder or a file and is not is named', async (t) => {
  const dir = await temporaryFolder(t);
  await writeFile(join(dir, 'file'), '', { mode: 0o600 });
  await mkdir(join(dir, 'folder'), { mode: 0o700 });
  await assert.rejects(openPrivateFolder(join(dir, 'file')), {
    message: `\`${join(dir, 'file')}\` is not a folder; name one that is`,
  });
  await assert.rejects(readPrivateFile(join(dir, 'folder')), {
    message: `\`${join(dir, 'folder')}\` is not a plain file`,
  });
});
