// Closures out of closures: operands first, from left to right, and the first failure is the failure of the whole. What reads
// nothing of the request is computed when it is put together, once.

import { NOT_BOOLEAN, type Scene } from './operators.ts';
import { isFault, type Result, type Value } from './value.ts';

export type Run = (scene: Scene) => Result;

export interface Node {
  readonly run: Run;
  /** Looks at nothing: the same result in every scene. */
  readonly isConstant: boolean;
}

/** Only a constant runs here, and a constant does not look. */
const NOWHERE = {} as Scene;

export function constant(result: Result): Node {
  return { run: () => result, isConstant: true };
}

export function reading(run: Run): Node {
  return { run, isConstant: false };
}

function folded(operands: readonly Node[], run: Run): Node {
  return operands.every(({ isConstant }) => isConstant) ? constant(run(NOWHERE)) : reading(run);
}

export function one(operand: Node, apply: (value: Value) => Result): Node {
  return folded([operand], (scene) => {
    const value = operand.run(scene);
    return isFault(value) ? value : apply(value);
  });
}

export function oneInScene(operand: Node, apply: (value: Value, scene: Scene) => Result): Node {
  return reading((scene) => {
    const value = operand.run(scene);
    return isFault(value) ? value : apply(value, scene);
  });
}

export function two(left: Node, right: Node, apply: (left: Value, right: Value) => Result): Node {
  return folded([left, right], (scene) => {
    const a = left.run(scene);
    if (isFault(a)) return a;
    const b = right.run(scene);
    return isFault(b) ? b : apply(a, b);
  });
}

export function twoInScene(left: Node, right: Node, apply: (left: Value, right: Value, scene: Scene) => Result): Node {
  return reading((scene) => {
    const a = left.run(scene);
    if (isFault(a)) return a;
    const b = right.run(scene);
    return isFault(b) ? b : apply(a, b, scene);
  });
}

export function all(operands: readonly Node[], apply: (values: readonly Value[]) => Result): Node {
  return folded(operands, (scene) => {
    const values: Value[] = [];
    for (const operand of operands) {
      const value = operand.run(scene);
      if (isFault(value)) return value;
      values.push(value);
    }
    return apply(values);
  });
}

/** The branch not taken is not run, whatever it would be. */
export function choice(test: Node, then: Node, otherwise: Node): Node {
  return folded([test, then, otherwise], (scene) => {
    const holds = test.run(scene);
    if (typeof holds !== 'boolean') return notBoolean(holds);
    return holds ? then.run(scene) : otherwise.run(scene);
  });
}

/** No further than the first false; each that is reached must be a boolean. */
export function both(operands: readonly Node[]): Node {
  return folded(operands, (scene) => {
    for (const operand of operands) {
      const holds = operand.run(scene);
      if (holds === true) continue;
      return holds === false ? false : notBoolean(holds);
    }
    return true;
  });
}

/** No further than the first true. */
export function either(operands: readonly Node[]): Node {
  return folded(operands, (scene) => {
    for (const operand of operands) {
      const holds = operand.run(scene);
      if (holds === false) continue;
      return holds === true ? true : notBoolean(holds);
    }
    return false;
  });
}

function notBoolean(result: Result): Result {
  return isFault(result) ? result : NOT_BOOLEAN;
}
