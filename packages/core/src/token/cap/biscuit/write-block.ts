// Facts and checks to a block's bytes, in the spelling that block.ts reads and the reference library writes: symbols in the order
// in which they are met, fields ascending, nothing optional that is empty.

import { bytesField, type ProtoField, stringField, varintField, writeProto } from '../../../std/protobuf.ts';
import { BLOCK_VERSION, OPERATORS } from './block.ts';
import type { Block, Check, Operation, Predicate, Query, Term } from './datalog.ts';
import type { SymbolTable } from './symbols.ts';

/** Adds the block's new strings to `symbols`. Throws RangeError on an integer or date the format cannot carry. */
export function writeBlock(block: Block, symbols: SymbolTable, signer: 'chain' | 'third'): Uint8Array {
  const before = symbols.size;
  const message = (fields: readonly ProtoField[]) => writeProto(fields);
  const nested = (number: number, fields: readonly ProtoField[]) => bytesField(number, message(fields));
  const index = (number: number, text: string) => varintField(number, BigInt(symbols.indexOf(text)));

  const term = (one: Term): readonly ProtoField[] => {
    switch (one.kind) {
      case 'variable':
        return [index(1, one.name)];
      case 'integer':
        return [varintField(2, BigInt.asUintN(64, BigInt(one.value)))];
      case 'string':
        return [index(3, one.value)];
      case 'date':
        return [varintField(4, BigInt(one.value))];
      case 'bytes':
        return [bytesField(5, one.value)];
      case 'bool':
        return [varintField(6, one.value ? 1n : 0n)];
      case 'set':
        return [
          nested(
            7,
            one.values.map((value) => nested(1, term(value))),
          ),
        ];
      case 'array':
        return [
          nested(
            9,
            one.values.map((value) => nested(1, term(value))),
          ),
        ];
    }
  };
  const predicate = ({ name, terms }: Predicate): readonly ProtoField[] => [
    index(1, name),
    ...terms.map((one) => nested(2, term(one))),
  ];
  const operation = (one: Operation): readonly ProtoField[] =>
    one.kind === 'value' ? [nested(1, term(one.term))] : [nested(3, [varintField(1, BigInt(OPERATORS[one.operator]))])];
  const query = ({ body, expressions }: Query): readonly ProtoField[] => [
    nested(1, predicate({ name: 'query', terms: [] })),
    ...body.map((one) => nested(2, predicate(one))),
    ...expressions.map((one) =>
      nested(
        3,
        one.map((op) => nested(1, operation(op))),
      ),
    ),
  ];
  const check = ({ queries }: Check): readonly ProtoField[] => queries.map((one) => nested(1, query(one)));

  const facts = block.facts.map((fact) => nested(4, [nested(1, predicate(fact))]));
  const checks = block.checks.map((one) => nested(6, check(one)));
  return message([
    ...symbols.own(before).map((text) => stringField(1, text)),
    varintField(3, BigInt(signer === 'third' ? BLOCK_VERSION.thirdParty : BLOCK_VERSION.first)),
    ...facts,
    ...checks,
  ]);
}
