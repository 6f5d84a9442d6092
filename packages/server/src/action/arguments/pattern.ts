// `pattern` of a JSON Schema, matched in bounded time. The patterns come from tool servers and the values from agents, so
// a backtracking engine would let the two together stop the plane; here every (instruction, position) is tried once.
// ECMAScript syntax with the flag `u`; look-behind and back-references are refused.

export interface Pattern {
  readonly source: string;
  /** Does the pattern occur in the text? Null: not decided, because the text or the work it makes is past the bounds. */
  test(text: string): boolean | null;
}

export type PatternResult = { readonly pattern: Pattern } | { readonly says: string };

export const patternTextCharsMax = 4096;
const patternCharsMax = 1024;
const instructionsMax = 4000;
const stepsMax = 300_000;

type Test = (char: string) => boolean;
type Edge = 'start' | 'end' | 'word' | 'inside';
type Instruction =
  | { readonly op: 'char'; readonly test: Test }
  | { readonly op: 'split'; readonly first: number; readonly second: number }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'edge'; readonly edge: Edge }
  | { readonly op: 'look'; readonly negative: boolean; readonly body: Program }
  | { readonly op: 'match' };
type Program = readonly Instruction[];

type Node =
  | { readonly kind: 'char'; readonly test: Test }
  | { readonly kind: 'edge'; readonly edge: Edge }
  | { readonly kind: 'look'; readonly negative: boolean; readonly body: Node }
  | { readonly kind: 'both'; readonly parts: readonly Node[] }
  | { readonly kind: 'either'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number | null };

class Unsupported extends Error {}

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

/** Reads what RegExp has already accepted, so only meaning is at stake here, not syntax. */
function parse(source: string): Node {
  let at = 0;

  const alternatives = (): Node => {
    const parts = [sequence()];
    while (source[at] === '|') {
      at++;
      parts.push(sequence());
    }
    return parts.length === 1 ? parts[0]! : { kind: 'either', parts };
  };

  const sequence = (): Node => {
    const parts: Node[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(quantified(atom()));
    return { kind: 'both', parts };
  };

  const quantified = (body: Node): Node => {
    const found = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/.exec(source.slice(at));
    if (!found) return body;
    at += found[0].length;
    const [, sign, low, comma, high] = found;
    if (sign !== undefined) return { kind: 'repeat', body, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : null };
    const min = Number(low);
    return { kind: 'repeat', body, min, max: comma === undefined ? min : high === '' ? null : Number(high) };
  };

  const group = (): Node => {
    const head = /^\((?:\?(?::|=|!|<=|<!|<[^>]*>|[a-z-]*:))?/.exec(source.slice(at))![0];
    if (head.startsWith('(?<=') || head.startsWith('(?<!')) throw new Unsupported('look-behind');
    if (/^\(\?[a-z-]+:/.test(head)) throw new Unsupported('a flag group');
    at += head.length;
    const body = alternatives();
    at++;
    return head === '(?=' || head === '(?!' ? { kind: 'look', negative: head === '(?!', body } : body;
  };

  const atom = (): Node => {
    const char = source[at]!;
    if (char === '(') return group();
    if (char === '^' || char === '$') {
      at++;
      return { kind: 'edge', edge: char === '^' ? 'start' : 'end' };
    }
    const text = char === '[' ? classText(source, at) : char === '\\' ? escapeText(source, at) : pointAt(source, at);
    at += text.length;
    if (text === '\\b' || text === '\\B') return { kind: 'edge', edge: text === '\\b' ? 'word' : 'inside' };
    if (/^\\[1-9k]/.test(text)) throw new Unsupported('a back-reference');
    return { kind: 'char', test: charTest(text) };
  };

  return alternatives();
}

/** One character is matched by RegExp itself: no repetition, so nothing to run away. */
function charTest(text: string): Test {
  if (text.length === 1 && !'.[]{}()*+?|^$\\/'.includes(text)) return (char) => char === text;
  const single = new RegExp(`^(?:${text})$`, 'u');
  return (char) => single.test(char);
}

function classText(source: string, start: number): string {
  let at = start + 1;
  while (source[at] !== ']') at += source[at] === '\\' ? 2 : 1;
  return source.slice(start, at + 1);
}

function escapeText(source: string, start: number): string {
  const surrogates = /^\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}/;
  const one =
    /^\\(?:u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|k<[^>]*>|[0-9]+|[\s\S])/u;
  const rest = source.slice(start);
  return (surrogates.exec(rest) ?? one.exec(rest))![0];
}

function pointAt(source: string, at: number): string {
  return String.fromCodePoint(source.codePointAt(at)!);
}

function assemble(node: Node): Program {
  const program: Instruction[] = [];
  const put = (instruction: Instruction): number => {
    if (program.length >= instructionsMax) throw new Unsupported('too many repetitions');
    return program.push(instruction) - 1;
  };

  let parts = 0;
  const emit = (part: Node): void => {
    // Nested repetitions of nothing emit nothing, and would still be walked for ever.
    if (++parts > instructionsMax) throw new Unsupported('too many repetitions');
    switch (part.kind) {
      case 'char':
        put({ op: 'char', test: part.test });
        return;
      case 'edge':
        put({ op: 'edge', edge: part.edge });
        return;
      case 'look':
        put({ op: 'look', negative: part.negative, body: assemble(part.body) });
        return;
      case 'both':
        part.parts.forEach(emit);
        return;
      case 'either':
        emitEither(part.parts);
        return;
      case 'repeat':
        for (let i = 0; i < part.min; i++) emit(part.body);
        if (part.max === null) emitLoop(part.body);
        else emitOptional(part.body, part.max - part.min);
    }
  };

  const emitEither = ([first, ...others]: readonly Node[]): void => {
    if (others.length === 0) {
      emit(first!);
      return;
    }
    const split = put({ op: 'jump', to: 0 });
    emit(first!);
    const jump = put({ op: 'jump', to: 0 });
    program[split] = { op: 'split', first: split + 1, second: program.length };
    emitEither(others);
    program[jump] = { op: 'jump', to: program.length };
  };

  const emitLoop = (body: Node): void => {
    const split = put({ op: 'jump', to: 0 });
    emit(body);
    put({ op: 'jump', to: split });
    program[split] = { op: 'split', first: split + 1, second: program.length };
  };

  const emitOptional = (body: Node, times: number): void => {
    const splits: number[] = [];
    for (let i = 0; i < times; i++) {
      splits.push(put({ op: 'jump', to: 0 }));
      emit(body);
    }
    for (const split of splits) program[split] = { op: 'split', first: split + 1, second: program.length };
  };

  emit(node);
  put({ op: 'match' });
  return program;
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
  if (instruction.op === 'look') {
    const seen = run(instruction.body, chars, at, new Set(), work);
    // Out of steps, a negative look-ahead must not turn "undecided" into "holds".
    return work.steps <= stepsMax && seen !== instruction.negative;
  }
  if (instruction.edge === 'start') return at === 0;
  if (instruction.edge === 'end') return at === chars.length;
  const isWord = (i: number): boolean => /^\w$/.test(chars[i] ?? '');
  return (isWord(at - 1) !== isWord(at)) === (instruction.edge === 'word');
}
