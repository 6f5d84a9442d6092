// Data beside a policy (cases, guards): YAML of a known form, or what is wrong with it and where.

import * as yaml from 'yaml';
import type * as z from 'zod';
import type { Problem } from '../problem.ts';

export interface DataFile {
  /** As the operator named it. */
  readonly path: string;
  readonly text: string;
}

export type DataResult<Value> = { readonly value: Value } | { readonly problems: readonly Problem[] };

/** `expected`: the form in words. */
export function readData<Value>(file: DataFile, form: z.ZodType<Value>, expected: string): DataResult<Value> {
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(file.text, {
    lineCounter: lines,
    strict: true,
    uniqueKeys: true,
    stringKeys: true,
    prettyErrors: false,
    logLevel: 'error',
  });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file: file.path, line, column: col };
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const problems = faults.map(({ pos, message }) => ({
      ...at(pos[0]),
      path: '',
      says: message.charAt(0).toLowerCase() + message.slice(1),
      expected: 'well-formed YAML 1.2',
    }));
    return { problems };
  }
  const read = form.safeParse(document.toJS({ maxAliasCount: 100 }));
  if (read.success) return { value: read.data };
  return {
    problems: read.error.issues.map(({ path, message }) => ({
      ...at(offsetOf(document, path)),
      path: path.map(String).join('.'),
      says: message.charAt(0).toLowerCase() + message.slice(1),
      expected,
    })),
  };
}

/** Of the deepest part of the way that is there. */
function offsetOf(document: yaml.Document.Parsed, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (yaml.isNode(node) && node.range) return node.range[0];
  }
  return 0;
}
