// writ.yaml, from bytes to one validated value or a list of everything that is wrong with it. Reads files, starts nothing.

import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { utf8Text } from '@writ/core';
import * as yaml from 'yaml';
import { maySeePrograms } from './check-attest.ts';
import type { Config } from './config.ts';
import { crossCheck } from './cross-check.ts';
import { type Complaint, complaintsOf, type Problem, problemOf, problemOfYaml, type Source } from './problems.ts';
import { ConfigFile } from './schema.ts';
import { workOut } from './work-out.ts';

export type Loaded = { readonly config: Config; readonly locate: Locate } | { readonly problems: readonly Problem[] };

/** Where a key stands, for whoever finds fault with its value later. */
export type Locate = (path: readonly (string | number)[]) => Pick<Problem, 'file' | 'line' | 'column'>;

const fileBytesMax = 1024 * 1024;
const aliasesMax = 100;
const problemsMax = 100;

export interface LoadOptions {
  /** Where `launched` entries without a uid live. Default: the uid of this process. */
  readonly planeUid?: number;
  /** Default: what this process may. */
  readonly seesPrograms?: boolean;
}

/** All mistakes of form are told at once, in file order; once the form is right, all that its keys say about each other. */
export function loadConfig(path: string, options: LoadOptions = {}): Loaded {
  const read = readText(path);
  if ('problem' in read) return { problems: [read.problem] };
  return parseConfig(read.text, path, options);
}

/** As `loadConfig`, with the text in hand. `path` names the file in problems and is where relative paths start. */
export function parseConfig(text: string, path: string, options: LoadOptions = {}): Loaded {
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, {
    lineCounter: lines,
    strict: true,
    stringKeys: true,
    uniqueKeys: true,
    prettyErrors: false,
    // Not `silent`: that would hide a second document.
    logLevel: 'error',
  });
  const source: Source = { file: path, document, lines };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) return { problems: inFileOrder(faults.map((fault) => problemOfYaml(fault, source))) };

  const told = (complaints: readonly Complaint[]): Loaded => ({
    problems: inFileOrder(complaints.map((complaint) => problemOf(complaint, source))),
  });
  const unreadable = treeComplaints(document);
  if (unreadable.length > 0) return told(unreadable);
  const parsed = ConfigFile.safeParse(document.toJS({ maxAliasCount: aliasesMax }));
  if (!parsed.success) {
    return told(mostSpecific(parsed.error.issues.flatMap((issue) => complaintsOf(issue, document))));
  }
  const planeUid = options.planeUid ?? process.getuid?.() ?? 0;
  const complaints = [
    ...crossCheck(parsed.data, { planeUid, seesPrograms: options.seesPrograms ?? maySeePrograms() }),
    ...fileComplaints(parsed.data, (file) => resolve(dirname(path), file)),
  ];
  if (complaints.length > 0) return told(complaints);
  const locate: Locate = (at) => {
    const { file, line, column } = problemOf({ path: at, at: 'value', says: '', expected: '' }, source);
    return { file, line, column };
  };
  return { config: workOut(parsed.data, resolve(path)), locate };
}

/** A map that holds a mistake is not a second one. */
function mostSpecific(complaints: readonly Complaint[]): readonly Complaint[] {
  const isWithin = (inner: Complaint, outer: Complaint): boolean =>
    inner.path.length > outer.path.length && outer.path.every((part, i) => inner.path[i] === part);
  return complaints.filter((one) => !complaints.some((other) => isWithin(other, one)));
}

function inFileOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column).slice(0, problemsMax);
}

function readText(path: string): { readonly text: string } | { readonly problem: Problem } {
  const refused = (says: string, expected: string) => ({
    problem: { file: path, line: 1, column: 1, path: '', says, expected },
  });
  try {
    if (statSync(path).size > fileBytesMax) return refused('the file is larger than 1 MiB', 'a configuration file');
    const text = utf8Text(readFileSync(path));
    return text === null ? refused('the file is not UTF-8', 'text in UTF-8') : { text };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return refused('there is no such file', 'a writ.yaml; `writ init` writes a first one');
    if (code === 'EISDIR') return refused('this is a folder', 'a file; name it with `--config`');
    if (code === 'EACCES')
      return refused('this user may not read the file', `a file readable by uid ${process.getuid?.()}`);
    throw error;
  }
}

/**
 * What a tree of maps can hide from a schema: `__proto__`, which objects in JavaScript do not keep as a key,
 * and aliases that multiply or circle.
 */
function treeComplaints(document: yaml.Document.Parsed): readonly Complaint[] {
  const found: Complaint[] = [];
  let aliases = 0;
  yaml.visit(document, {
    Pair(_, pair, ancestors) {
      if (yaml.isScalar(pair.key) && pair.key.value === '__proto__') {
        const path = [...pathOf(ancestors), '__proto__'];
        found.push({ path, at: 'key', says: '`__proto__` cannot be a key', expected: 'another name' });
      }
    },
    Alias(_, alias, ancestors) {
      aliases += 1;
      const anchor = alias.resolve(document);
      if (anchor === undefined || ancestors.includes(anchor) || aliases > aliasesMax) {
        const says = aliases > aliasesMax ? 'the file has too many aliases' : `\`*${alias.source}\` cannot be resolved`;
        found.push({ path: pathOf(ancestors), at: 'value', says, expected: 'the value itself' });
        return yaml.visit.BREAK;
      }
      return undefined;
    },
  });
  return found;
}

function pathOf(ancestors: readonly unknown[]): string[] {
  return ancestors.flatMap((node) => (yaml.isPair(node) && yaml.isScalar(node.key) ? [String(node.key.value)] : []));
}

/** A file that the configuration leans on and that cannot be read would surface later, and further from its cause. */
function fileComplaints(written: ConfigFile, at: (path: string) => string): readonly Complaint[] {
  const caFile = 'a readable file with certificates as PEM';
  const named: [path: Complaint['path'], file: string | undefined, what: string][] = [
    [['policy'], written.policy, 'a folder of *.cedar files'],
    [['audit', 'witnesses'], written.audit?.witnesses, 'a readable file with a witness policy'],
    ...Object.entries(written.pdp ?? {}).flatMap(([key, { bundle, ca }]): typeof named => [
      [['pdp', key, 'bundle'], bundle, 'a readable bundle; `opa build -t wasm` writes one'],
      [['pdp', key, 'ca'], ca, caFile],
    ]),
    ...Object.entries(written.federation?.partners ?? {}).flatMap(([key, { bundle, ca }]): typeof named => [
      [['federation', 'partners', key, 'bundle'], bundle, 'a readable file with the bundle of that trust domain'],
      [['federation', 'partners', key, 'ca'], ca, caFile],
    ]),
    [['telemetry', 'traces', 'ca'], written.telemetry?.traces?.ca, caFile],
    ...Object.entries(written.users ?? {}).map(([key, user]): (typeof named)[number] => [
      ['users', key, 'passwordFile'],
      user.passwordFile,
      'a readable file; `writ user hash` prints its line',
    ]),
    ...Object.entries(written.servers ?? {}).map(([key, { manifest }]): (typeof named)[number] => [
      ['servers', key, 'manifest'],
      manifest?.startsWith('builtin:') ? undefined : manifest,
      'a readable manifest, or `builtin:<name>`',
    ]),
    ...Object.entries(written.servers ?? {}).map(([key, { http }]): (typeof named)[number] => [
      ['servers', key, 'http', 'openapi'],
      http?.openapi,
      'a readable OpenAPI document, YAML or JSON',
    ]),
    ...(['agents', 'clients'] as const).flatMap((section) =>
      Object.entries(written[section] ?? {}).map(([key, { jwks }]): (typeof named)[number] => [
        [section, key, 'jwks'],
        typeof jwks === 'string' ? jwks : undefined,
        'a readable file with a JWK set',
      ]),
    ),
  ];
  return named.flatMap(([path, file, expected]) => {
    const fault = file === undefined ? null : unreadableBecause(at(file), path[0] === 'policy');
    return fault === null ? [] : [{ path, at: 'value' as const, says: `\`${file}\` ${fault}`, expected }];
  });
}

function unreadableBecause(path: string, folder: boolean): string | null {
  try {
    accessSync(path, constants.R_OK);
    if (statSync(path).isDirectory() !== folder) return folder ? 'is not a folder' : 'is a folder';
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
  }
}
