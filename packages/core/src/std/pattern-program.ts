// A pattern's tree as a list of instructions, each either passing one character, choosing, or looking. Repetitions are
// written out, so the length of the list bounds the work.

import { type Edge, type Node, type Test, Unsupported } from './pattern-syntax.ts';

export type Instruction =
  | { readonly op: 'char'; readonly test: Test }
  | { readonly op: 'split'; readonly first: number; readonly second: number }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'edge'; readonly edge: Edge }
  | { readonly op: 'look'; readonly negative: boolean; readonly body: Program }
  | { readonly op: 'match' };
export type Program = readonly Instruction[];

const instructionsMax = 4000;

export function assemble(node: Node): Program {
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
