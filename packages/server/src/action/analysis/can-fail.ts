// Could evaluating this policy fail? Strict validation leaves few ways (an overflow, above all), and any failure refuses the request
// (design D6), so a policy that may yet be evaluated may take a permit away. What is not known here to be safe is taken to fail.

import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isJsonObject, type JsonValue } from '@writ/core';

/** On operands of the types that validation has checked. */
const SAFE = new Set([
  ...['==', '!=', '<', '<=', '>', '>=', '&&', '||', '!', 'in', 'is', 'has', 'like', 'if-then-else'],
  ...['contains', 'containsAll', 'containsAny', 'isEmpty', 'hasTag', 'Set', 'Record', '.', 'Value', 'Var'],
  // Constructors: validation takes literals only, and has read them.
  ...['decimal', 'datetime', 'duration', 'ip'],
  ...['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'],
  ...['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast', 'isInRange'],
]);

export function canFail({ conditions }: PolicyJson): boolean {
  return conditions.some(({ body }) => fails(body as unknown as JsonValue));
}

/** An expression is an object with its operator as the one key. */
function fails(node: JsonValue): boolean {
  if (!isJsonObject(node)) return true;
  return Object.entries(node).some(([operator, operands]) => !SAFE.has(operator) || operandsFail(operator, operands));
}

function operandsFail(operator: string, operands: JsonValue): boolean {
  if (operator === 'Value' || operator === 'Var') return false;
  if (Array.isArray(operands)) return operands.some(fails);
  if (!isJsonObject(operands)) return true;
  // Beside expressions stand names: of an attribute, an entity type, a pattern.
  const names = { '.': ['attr'], has: ['attr'], like: ['pattern'], is: ['entity_type'] }[operator] ?? [];
  return Object.entries(operands).some(([name, operand]) => !names.includes(name) && fails(operand));
}
