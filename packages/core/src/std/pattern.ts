// Regular expressions in bounded time, for a JSON Schema's `pattern` and for constraints. Patterns and values may come from
// strangers, and a backtracking engine would let the two together stop the plane; here every (instruction, position) is tried once.
// ECMAScript syntax with the flag `u`; look-behind and back-references are refused.

import { assemble, type Instruction, type Program } from './pattern-program.ts';
import { parse, Unsupported } from './pattern-syntax.ts';

export interface Pattern {
  readonly source: string;
  /** Does the pattern occur in the text? Null: not decided, because the text or the work it makes is past the bounds. */
  test(text: string): boolean | null;
}

export type PatternResult = { readonly pattern: Pattern } | { readonly says: string };

export const patternTextCharsMax = 4096;
const patternCharsMax = 1024;
const stepsMax = 300_000;

export function compilePattern(source: string): PatternResult {
  if (source.length > patternCharsMax) return { says: `a pattern of more than ${patternCharsMax} characters` };
  try {
    new RegExp(source, 'u');
  } catch {
    return { says: `\`${source}\` is not a regular expression` };
  }
  try {
    const program = assemble(parse(source));
    return { pattern: { source, test: (text) => occurs(program, text) } };
  } catch (error) {
    if (error instanceof Unsupported) return { says: `${error.message} in \`${source}\`` };
    throw error;
  }
}

function occurs(program: Program, text: string): boolean | null {
  const chars = [...text];
  if (chars.length > patternTextCharsMax) return null;
  const work = { steps: 0 };
  const tried = new Set<number>();
  // What failed from one start fails from every start: the states tried are shared.
  for (let start = 0; start <= chars.length; start++) {
    if (run(program, chars, start, tried, work)) return true;
    if (work.steps > stepsMax) return null;
  }
  return false;
}

function run(
  program: Program,
  chars: readonly string[],
  start: number,
  tried: Set<number>,
  work: { steps: number },
): boolean {
  const width = chars.length + 1;
  const stack = [start]; // instruction × width + position
  while (stack.length > 0) {
    const state = stack.pop()!;
    if (tried.has(state)) continue;
    tried.add(state);
    if (++work.steps > stepsMax) return false;
    const at = state % width;
    const here = state - at;
    const instruction = program[here / width]!;
    if (instruction.op === 'match') return true;
    if (instruction.op === 'split') stack.push(instruction.second * width + at, instruction.first * width + at);
    else if (instruction.op === 'jump') stack.push(instruction.to * width + at);
    else if (instruction.op === 'char') {
      if (at < chars.length && instruction.test(chars[at]!)) stack.push(here + width + at + 1);
    } else if (holds(instruction, chars, at, work)) stack.push(here + width + at);
  }
  return false;
}

function holds(
  instruction: Extract<Instruction, { op: 'edge' | 'look' }>,
  chars: readonly string[],
  at: number,
  work: { steps: number },
): boolean {
  // Out of steps this may be wrong, and no match comes of it: `run` ends before it looks at another instruction.
  if (instruction.op === 'look') return run(instruction.body, chars, at, new Set(), work) !== instruction.negative;
  if (instruction.edge === 'start') return at === 0;
  if (instruction.edge === 'end') return at === chars.length;
  const isWord = (i: number): boolean => /^\w$/.test(chars[i] ?? '');
  return (isWord(at - 1) !== isWord(at)) === (instruction.edge === 'word');
}
