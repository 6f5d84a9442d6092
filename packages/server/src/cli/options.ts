// Reads a command's options strictly: an unknown or repeated option is an error, never ignored. citty describes and
// prints options; it accepts unknown ones in silence, which is why they are read here.

import { parseArgs } from 'node:util';
import type { ArgDef } from 'citty';
import { usage } from './stop.ts';

export type OptionDef = ArgDef & {
  /** May be given several times; its value is a list. */
  readonly repeat?: true;
};
export type Options = { readonly [name: string]: OptionDef };

type Value<Def extends OptionDef> = Def extends { repeat: true }
  ? readonly string[]
  : Def extends { type: 'boolean' }
    ? boolean
    : Def extends { required: true } | { default: string }
      ? string
      : Def extends { type: 'positional'; required?: undefined }
        ? string
        : string | undefined;

export type Values<All extends Options> = { readonly [Name in keyof All]: Value<All[Name]> };

export interface Read<All extends Options> {
  readonly values: Values<All>;
  /** What follows `--`. */
  readonly rest: readonly string[];
}

/** Throws a usage Stop that names what is wrong. Positionals are taken in the order of their definition. */
export function readOptions<All extends Options>(options: All, raw: readonly string[]): Read<All> {
  const found = new Map<string, string[]>();
  const positionals: string[] = [];
  let rest: readonly string[] = [];
  for (const token of tokensOf(options, raw)) {
    if (token.kind === 'option-terminator') {
      rest = raw.slice(token.index + 1);
      break;
    }
    if (token.kind === 'positional') positionals.push(token.value);
    else take(options, found, token);
  }
  return { values: complete(options, found, positionals), rest };
}

function tokensOf(options: Options, raw: readonly string[]) {
  const known = Object.entries(options).flatMap(([name, def]) =>
    def.type === 'positional'
      ? []
      : [[name, { type: def.type === 'boolean' ? ('boolean' as const) : ('string' as const) }]],
  );
  const config = Object.fromEntries(known) as { [name: string]: { type: 'boolean' | 'string' } };
  return parseArgs({ args: [...raw], options: config, strict: false, allowPositionals: true, tokens: true }).tokens;
}

type OptionToken = Extract<ReturnType<typeof tokensOf>[number], { kind: 'option' }>;

function take(
  options: Options,
  found: Map<string, string[]>,
  { name, rawName, value, inlineValue }: OptionToken,
): void {
  const def = Object.hasOwn(options, name) ? options[name]! : undefined;
  if (!def || def.type === 'positional' || rawName !== `--${name}`) {
    const near = Object.entries(options).find(([other, one]) => one.type !== 'positional' && isNear(other, name));
    throw usage(
      `\`${rawName}\` is not an option here${near ? `; did you mean \`--${near[0]}\`` : ''}; \`--help\` lists them`,
    );
  }
  if (def.type === 'boolean') {
    if (value !== undefined) throw usage(`\`${rawName}\` takes no value`);
  } else if (value === undefined || (!inlineValue && value.startsWith('--'))) {
    throw usage(`\`${rawName}\` needs a value`);
  }
  const before = found.get(name) ?? [];
  if (before.length > 0 && !def.repeat) throw usage(`\`${rawName}\` is given twice`);
  if (def.type === 'enum' && !def.options?.includes(value!)) {
    throw usage(
      `\`${value}\` does not fit \`${rawName}\`; it takes ${def.options?.map((one) => `\`${one}\``).join(', ')}`,
    );
  }
  found.set(name, [...before, value ?? 'true']);
}

function complete<All extends Options>(
  options: All,
  found: ReadonlyMap<string, readonly string[]>,
  positionals: readonly string[],
): Values<All> {
  const left = [...positionals];
  const values: { [name: string]: string | boolean | undefined | readonly string[] } = {};
  for (const [name, def] of Object.entries(options)) {
    if (def.type === 'positional') {
      const value = def.repeat ? left.splice(0) : left.shift();
      if (value === undefined && def.required !== false)
        throw usage(`${name.toUpperCase()} is missing; \`--help\` shows how to use this`);
      values[name] = value;
    } else if (def.type === 'boolean') values[name] = found.has(name);
    else if (def.repeat) values[name] = found.get(name) ?? [];
    else {
      values[name] = found.get(name)?.[0] ?? (def.default as string | undefined);
      if (values[name] === undefined && def.required)
        throw usage(`\`--${name}\` is missing; \`--help\` shows how to use this`);
    }
  }
  if (left.length > 0) throw usage(`\`${left[0]}\` is one word too many; \`--help\` shows how to use this`);
  return values as Values<All>;
}

/** One letter away, or the beginning of it. */
function isNear(a: string, b: string): boolean {
  if (b.length >= 3 && a.startsWith(b)) return true;
  if (Math.abs(a.length - b.length) > 1) return false;
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return a.slice(i + 1) === b.slice(i + 1) || a.slice(i + 1) === b.slice(i) || a.slice(i) === b.slice(i + 1);
}
