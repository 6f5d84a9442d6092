// What a person says about a server's tools, because the server cannot be asked: risk, effect, roles of arguments, trust in
// outputs (contract §8). Here manifests are read and checked; risk is used by definitions.ts, roles and levels by whoever
// judges provenance.

import * as yaml from 'yaml';
import * as z from 'zod';
import { digestOf } from './digest.ts';
import { BUILTINS } from './manifests/index.ts';
import type { Problem } from './problem.ts';

const pointer = z
  .string({ error: 'a JSON pointer such as `/to`' })
  .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, { error: 'a JSON pointer such as `/to`; `*` stands for one key or index' });
const risk = z
  .int({ error: 'a risk from 0 to 5' })
  .min(0, { error: 'a risk from 0 to 5' })
  .max(5, { error: 'a risk from 0 to 5' });
const level = z
  .int({ error: 'a level from 0 to 4' })
  .min(0, { error: 'a level from 0 to 4' })
  .max(4, { error: 'a level from 0 to 4' });
const text = z.string({ error: 'text that is not empty' }).min(1, { error: 'text that is not empty' });

const EFFECTS = [
  'read',
  'network',
  'write',
  'message',
  'money',
  'membership',
  'publish',
  'account',
  'destroy',
] as const;
const ROLES = ['target', 'value', 'date', 'payload', 'ignored'] as const;
const TYPES = ['iban', 'email', 'url', 'id', 'number', 'date', 'text'] as const;

const words = <const Words extends readonly [string, ...string[]]>(list: Words) =>
  z.enum(list, { error: `one of ${list.map((word) => `\`${word}\``).join(', ')}` });

const argument = z.strictObject(
  { role: words(ROLES), type: words(TYPES).optional(), compose: text.optional() },
  { error: 'a role, such as `{ role: target, type: email }`' },
);

const output = z.strictObject(
  {
    at: pointer,
    handle: level.optional(),
    text: level.optional(),
    keys: level.optional(),
    secret: z.boolean({ error: '`true` or `false`' }).optional(),
    when: z
      .strictObject(
        { sibling: text, in: z.array(text).optional(), endsWith: text.optional() },
        { error: 'a sibling and what it says' },
      )
      .refine((when) => (when.in === undefined) !== (when.endsWith === undefined), {
        error: 'either `in` or `endsWith`',
      })
      .optional(),
  },
  { error: 'an output, such as `{ at: "/*/subject", text: 1 }`' },
);

const tool = z
  .strictObject(
    {
      risk,
      riskWhen: z
        .array(z.strictObject({ arg: pointer, present: z.literal(true, { error: '`true`' }), risk }))
        .optional(),
      effect: words(EFFECTS),
      intent: z.array(text, { error: 'a list of words' }).optional(),
      args: z.record(pointer, argument, { error: 'a map of JSON pointers' }).optional(),
      outputs: z.array(output, { error: 'a list of outputs' }).optional(),
    },
    { error: 'a tool, such as `{ risk: 1, effect: read }`' },
  )
  .refine((one) => (one.riskWhen ?? []).every((when) => when.risk > one.risk), {
    error: 'a risk in `riskWhen` above the risk of the tool',
    path: ['riskWhen'],
  });

const server = z.strictObject(
  {
    /** One process for everybody. Rules §7.6. */
    shared: z.boolean({ error: '`true` or `false`' }).optional(),
    tools: z.record(text, tool, { error: 'a map of tools' }),
  },
  { error: 'a server with its `tools`' },
);

const reviewed = z.strictObject(
  { by: text, digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, { error: 'a digest `sha256:<hex>`' }) },
  { error: 'who reviewed it, `{ by, digest }`' },
);

export const ManifestFile = z.strictObject(
  {
    manifest: z.literal(1, { error: 'the number `1`' }),
    /** Written by a program. Loads only once a person has put their name to exactly this text. Rules §3.7. */
    generated: z.boolean({ error: '`true` or `false`' }).optional(),
    reviewed: reviewed.optional(),
    servers: z.record(text, server, { error: 'a map of servers' }),
  },
  { error: 'a map that begins with `manifest: 1`' },
);

export type ManifestFile = z.output<typeof ManifestFile>;
export type ServerManifest = z.output<typeof server>;
export type ToolManifest = z.output<typeof tool>;
export type ManifestResult = { readonly manifest: ServerManifest } | { readonly problems: readonly Problem[] };

/** JSON Schema of a manifest file, for editors. */
export function manifestJsonSchema(): object {
  return z.toJSONSchema(ManifestFile, { target: 'draft-2020-12' });
}

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
