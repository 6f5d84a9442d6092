// Recorded runs of agents, as `writ replay` reads them. Only what a gate could have seen is taken over: the answer key (`kind`,
// `injected`, `injection`, `attackerText`) and the source of a case are dropped here, before anything is judged.

import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from '@writ/core';
import * as z from 'zod';

export interface Step {
  readonly n: number;
  readonly tool: string;
  readonly arguments: JsonObject;
  /** What came back, had it run: an output or the text of an error. */
  readonly result: { readonly output: JsonValue } | { readonly error: JsonValue };
}

export interface Case {
  readonly id: string;
  /** The server of every call in it. */
  readonly suite: string;
  readonly principalName: string;
  readonly prompt: string;
  readonly steps: readonly Step[];
}

/** Tool names with the names of their arguments, by suite. */
export type Tools = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

export type ReadResult<T> = { readonly value: T; readonly content: JsonValue } | { readonly says: string };

const bounds = { depthMax: 64, bytesMax: 64 * 1024 * 1024 };

// Unknown members are stripped, and so the answer key is.
const CasesFile = z.object({
  schema: z.literal(1, { error: 'the number `1`' }),
  cases: z.array(
    z.object({
      id: z.string().min(1),
      suite: z.string().min(1),
      principal: z.object({ name: z.string() }),
      prompt: z.string(),
      steps: z.array(
        z.object({
          n: z.int().min(1),
          call: z.object({ tool: z.string().min(1), args: z.custom<JsonObject>(isJsonObject, { error: 'an object' }) }),
          output: z.custom<JsonValue>(() => true).optional(),
          error: z.custom<JsonValue>(() => true).optional(),
        }),
      ),
    }),
  ),
});

/** Cases in the order of their ids. `content` is what was taken over, for the digest. */
export function readCases(file: { readonly path: string; readonly bytes: Uint8Array }): ReadResult<readonly Case[]> {
  const read = parsed(file, CasesFile);
  if ('says' in read) return read;
  const { cases } = read.value;
  const twice = duplicateIn(cases.map(({ id }) => id));
  if (twice !== null) return { says: `\`${file.path}\` has two cases \`${twice}\`; give each its own id` };
  for (const { id, steps } of cases) {
    const step = duplicateIn(steps.map(({ n }) => String(n)));
    if (step !== null) return { says: `\`${id}\` in \`${file.path}\` has two steps ${step}; number them from 1` };
  }
  const sorted = cases.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(caseOf);
  return { value: sorted, content: sorted as unknown as JsonValue };
}

function caseOf(one: z.output<typeof CasesFile>['cases'][number]): Case {
  const steps = one.steps
    .toSorted((a, b) => a.n - b.n)
    .map(({ n, call, output, error }): Step => {
      const result = error === undefined || error === null ? { output: output ?? null } : { error };
      return { n, tool: call.tool, arguments: call.args, result };
    });
  return { id: one.id, suite: one.suite, principalName: one.principal.name, prompt: one.prompt, steps };
}

const ToolsFile = z.record(
  z.string(),
  z.array(z.object({ name: z.string().min(1), parameters: z.record(z.string(), z.unknown()).optional() })),
);

export function readTools(file: { readonly path: string; readonly bytes: Uint8Array }): ReadResult<Tools> {
  const read = parsed(file, ToolsFile);
  if ('says' in read) return read;
  const suites = Object.entries(read.value).map(([suite, tools]) => {
    const named = tools.map(({ name, parameters }) => [name, Object.keys(parameters ?? {})] as const);
    return [suite, new Map(named)] as const;
  });
  return { value: new Map(suites), content: read.content };
}

function parsed<Schema extends z.ZodType>(
  { path, bytes }: { readonly path: string; readonly bytes: Uint8Array },
  schema: Schema,
): ReadResult<z.output<Schema>> {
  const json = parseStrictJson(bytes, bounds);
  if (!json.ok) return { says: `\`${path}\` is not JSON: ${json.fault.replaceAll('_', ' ')} at ${json.offset}` };
  const result = schema.safeParse(json.value);
  if (result.success) return { value: result.data, content: json.value };
  const issue = result.error.issues[0]!;
  return { says: `\`${path}\` does not fit at \`/${issue.path.join('/')}\`; expected ${issue.message}` };
}

function duplicateIn(names: readonly string[]): string | null {
  return names.find((name, i) => names.indexOf(name) !== i) ?? null;
}
