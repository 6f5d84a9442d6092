// What is wrong with policy, manifest or allow lines, as a place and what was expected there: the shape of
// `writ validate --json` (contract §2). A notice is the same without refusing anything.

export interface Problem {
  /** As the operator named it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters of the editor (UTF-16). */
  readonly column: number;
  /** Dotted keys of a configuration file, or the id of a policy; empty for the file as such. */
  readonly path: string;
  readonly says: string;
  readonly expected: string;
}

/** Where a key of writ.yaml stands. The configuration knows; policy only names the keys. */
export type Locate = (path: readonly (string | number)[]) => Pick<Problem, 'file' | 'line' | 'column'>;

/** Line and column of a UTF-16 offset. */
export function placeIn(text: string, offset: number): Pick<Problem, 'line' | 'column'> {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}
