// What a person says about a server's tools, because the server cannot be asked: risk, effect, roles of arguments, trust in
// outputs (contract §8). Here manifests are read and checked; risk is used by definitions.ts, roles and levels by whoever
// judges provenance.

import * as yaml from 'yaml';
import type * as z from 'zod';
import { digestOf } from './digest.ts';
import { ManifestFile, type ServerManifest } from './manifest-schema.ts';
import { BUILTINS } from './manifests/index.ts';
import type { Problem } from './problem.ts';

export type { ServerManifest, ToolManifest } from './manifest-schema.ts';

export type ManifestResult = { readonly manifest: ServerManifest } | { readonly problems: readonly Problem[] };

/** What `reviewed.digest` has to be: everything in the file but the review itself. */
export function manifestDigest(file: ManifestFile): string {
  const { reviewed: _, ...content } = file;
  return digestOf(content);
}

/** The manifest that ships under `builtin:<name>`, or null. */
export function builtinManifest(name: string): ServerManifest | null {
  return Object.hasOwn(BUILTINS, name) ? BUILTINS[name]! : null;
}

export function builtinNames(): readonly string[] {
  return Object.keys(BUILTINS);
}

/** One server's part of a manifest file, YAML or JSON. */
export function readManifest(
  file: { readonly path: string; readonly text: string },
  serverKey: string,
): ManifestResult {
  const read = readManifestFile(file);
  if ('problems' in read) return read;
  const manifest = Object.hasOwn(read.file.servers, serverKey) ? read.file.servers[serverKey] : undefined;
  if (manifest) return { manifest };
  const names = Object.keys(read.file.servers).map((name) => `\`${name}\``);
  const says = `there is no server \`${serverKey}\` in this manifest; it speaks of ${names.join(', ') || 'none'}`;
  return {
    problems: [{ file: file.path, line: 1, column: 1, path: 'servers', says, expected: `\`servers.${serverKey}\`` }],
  };
}

export function readManifestFile(file: {
  readonly path: string;
  readonly text: string;
}): { readonly file: ManifestFile } | { readonly problems: readonly Problem[] } {
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(file.text, { lineCounter: lines, strict: true, uniqueKeys: true });
  const at = (offset: number): Pick<Problem, 'file' | 'line' | 'column'> => {
    const { line, col } = lines.linePos(offset);
    return { file: file.path, line, column: col };
  };
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map((error) => ({
        ...at(error.pos[0]),
        path: '',
        says: lowerFirst(error.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '')),
        expected: 'well-formed YAML 1.2',
      })),
    };
  }
  const parsed = ManifestFile.safeParse(document.toJS({ maxAliasCount: 100 }));
  if (!parsed.success) {
    // A key that is misspelt is also a key that is missing; the first says more.
    const isTypo = (issue: z.core.$ZodIssue): number => (issue.code === 'unrecognized_keys' ? 0 : 1);
    const issues = parsed.error.issues.toSorted((a, b) => isTypo(a) - isTypo(b));
    return { problems: issues.flatMap((issue) => problemsOf(issue, document, at)) };
  }
  const fault = reviewFault(parsed.data);
  if (fault) return { problems: [{ ...at(offsetOf(document, ['reviewed'])), path: 'reviewed', ...fault }] };
  return { file: parsed.data };
}

function reviewFault(file: ManifestFile): Pick<Problem, 'says' | 'expected'> | null {
  if (file.generated !== true && file.reviewed === undefined) return null;
  const expected = `\`reviewed: { by: <your name>, digest: "${manifestDigest(file)}" }\` once you have read it`;
  if (file.reviewed === undefined) return { says: 'a generated manifest is used only after a review', expected };
  if (file.reviewed.digest === manifestDigest(file)) return null;
  return { says: 'the manifest has changed since it was reviewed', expected };
}

function problemsOf(
  issue: z.core.$ZodIssue,
  document: yaml.Document.Parsed,
  at: (offset: number) => Pick<Problem, 'file' | 'line' | 'column'>,
): readonly Problem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const problem = (where: readonly (string | number)[], says: string, expected: string): Problem => ({
    ...at(offsetOf(document, where)),
    path: where.join('.'),
    says,
    expected,
  });
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) =>
      problem([...path, key], `\`${key}\` is not known here`, 'a key that manifests have'),
    );
  }
  const expected = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  if (path.length > 0 && !document.hasIn(path)) return [problem(path, `\`${path.join('.')}\` is missing`, expected)];
  const value: unknown = document.getIn(path);
  const shown = yaml.isCollection(value) ? 'this' : `\`${String(value).slice(0, 60)}\``;
  return [problem(path, `${shown} does not fit here`, expected)];
}

/** Offset of the deepest key on the way to `path` that is there. */
function offsetOf(document: yaml.Document.Parsed, path: readonly (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const part of path) {
    if (yaml.isMap(node)) {
      const pair = node.items.find((item) => yaml.isScalar(item.key) && String(item.key.value) === String(part));
      if (!pair) return offset;
      offset = startOf(pair.key, offset);
      node = pair.value;
    } else if (yaml.isSeq(node)) {
      node = node.items[Number(part)];
      offset = startOf(node, offset);
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown, otherwise: number): number {
  return yaml.isNode(node) && node.range ? node.range[0] : otherwise;
}

function lowerFirst(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
