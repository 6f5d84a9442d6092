// Public test data lies beside the checkout (`../shared/data`), never in it. Absent: skipped with the reason, except in CI,
// where it is part of what is promised.

import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '../../shared/data');

export function publicData(path: string): { readonly path: string; readonly skip: string | false } {
  const whole = resolve(folder, path);
  if (existsSync(whole)) return { path: whole, skip: false };
  if (process.env.CI) throw new Error(`the public test data \`${path}\` is not beside this checkout, and CI needs it`);
  return { path: whole, skip: `the public test data \`${path}\` is not beside this checkout` };
}

export function publicJson<T>(path: string): T {
  return JSON.parse(readFileSync(resolve(folder, path), 'utf8')) as T;
}
