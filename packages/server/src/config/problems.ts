// A problem is a place in the file and what was expected there. Here complaints of the YAML reader, of the schema and of
// the cross-checks become the one shape of `writ validate --json` (contract §2).

import * as yaml from 'yaml';
import type * as z from 'zod';

export interface Problem {
  /** As the operator named it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Dotted keys; empty for the file as such. */
  readonly path: string;
  readonly says: string;
  readonly expected: string;
}

/** A complaint about one place, before the place has a line. */
export interface Complaint {
  readonly path: readonly (string | number)[];
  /** Whether the key itself is wrong, or what stands behind it. */
  readonly at: 'key' | 'value';
  readonly says: string;
  readonly expected: string;
}

export interface Source {
  readonly file: string;
  readonly document: yaml.Document.Parsed;
  readonly lines: yaml.LineCounter;
}

const expectedInstead: { readonly [code: string]: string } = {
  DUPLICATE_KEY: 'every key once',
  TAB_AS_INDENT: 'spaces for indentation',
  BAD_INDENT: 'the same indentation for every key of a map',
  MULTIPLE_DOCS: 'one YAML document',
  NON_STRING_KEY: 'keys that are text',
};

export function problemOfYaml(fault: yaml.YAMLError, { file, lines }: Omit<Source, 'document'>): Problem {
  const { line, col } = lines.linePos(fault.pos[0]);
  // The first line is the sentence; a picture of the place may follow.
  const sentence = fault.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
  return {
    file,
    line,
    column: col,
    path: '',
    says: sentence.charAt(0).toLowerCase() + sentence.slice(1),
    expected: expectedInstead[fault.code] ?? 'well-formed YAML 1.2',
  };
}

export function problemOf(complaint: Complaint, source: Source): Problem {
  const { line, col } = source.lines.linePos(offsetOf(complaint, source.document));
  const { says, expected } = complaint;
  return { file: source.file, line, column: col, path: complaint.path.join('.'), says, expected };
}

/** What the schema objects to, most specific first. */
export function complaintsOf(issue: z.core.$ZodIssue, document: yaml.Document.Parsed): readonly Complaint[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        at: 'key' as const,
        says: `\`${clip(key)}\` is not known here`,
        expected: issue.message,
      }));
    case 'invalid_key':
      return [
        {
          path,
          at: 'key',
          says: `\`${clip(String(path.at(-1)))}\` cannot be a key here`,
          expected: issue.issues[0]?.message ?? issue.message,
        },
      ];
    case 'invalid_union': {
      // Inside the alternative that came furthest stands the sharper sentence.
      const deeper = issue.errors.flat().find((inner) => inner.path.length > 0 || inner.code === 'custom');
      if (deeper) return complaintsOf({ ...deeper, path: [...issue.path, ...deeper.path] }, document);
      break;
    }
    default:
      break;
  }
  return [{ path, at: 'value', says: saysOf(path, document), expected: issue.message }];
}

function saysOf(path: readonly (string | number)[], document: yaml.Document.Parsed): string {
  const name = path.join('.');
  if (path.length > 0 && !document.hasIn(path)) return `\`${name}\` is missing`;
  const value: unknown = document.getIn(path);
  if (value === null || value === undefined) return name === '' ? 'the file is empty' : `\`${name}\` is empty`;
  if (yaml.isMap(value)) return 'a map does not fit here';
  if (yaml.isSeq(value)) return 'a list does not fit here';
  // Values that may be secrets are not repeated on a terminal or in a log.
  if (path.includes('env') || path.includes('store') || path.includes('credential'))
    return 'this value does not fit here';
  return `\`${clip(String(value))}\` does not fit here`;
}

export function clip(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}]/gu, '?');
  return plain.length <= 60 ? plain : `${plain.slice(0, 59)}…`;
}

/** Where it stands; for what is missing, where the nearest map around it begins. */
function offsetOf({ path, at }: Complaint, document: yaml.Document.Parsed): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [i, part] of path.entries()) {
    if (yaml.isAlias(node)) node = node.resolve(document);
    if (yaml.isMap(node)) {
      const pair = node.items.find((item) => yaml.isScalar(item.key) && String(item.key.value) === String(part));
      if (!pair) return offset;
      // A key is closer to the mistake than the map it opens, unless the mistake lies deeper.
      offset = startOf(pair.key);
      node = pair.value;
    } else if (yaml.isSeq(node)) {
      node = node.items[Number(part)];
      if (node === undefined) return offset;
      offset = startOf(node);
    } else return offset;
    if (i === path.length - 1 && at === 'value' && (yaml.isScalar(node) || yaml.isSeq(node))) offset = startOf(node);
  }
  return offset;
}

function startOf(node: unknown): number {
  return yaml.isNode(node) && node.range ? node.range[0] : 0;
}
