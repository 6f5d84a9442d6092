// The shape of a manifest (contract §8), closed, each key with the words that `writ validate` and an editor use for it.

import * as z from 'zod';

const pointer = z
  .string({ error: 'a JSON pointer such as `/to`' })
  .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, { error: 'a JSON pointer such as `/to`; `*` stands for one key or index' });
const risk = z
  .int({ error: 'a risk from 0 to 5' })
  .min(0, { error: 'a risk from 0 to 5' })
  .max(5, { error: 'a risk from 0 to 5' });
const level = z
  .int({ error: 'a level from 0 to 4' })
  .min(0, { error: 'a level from 0 to 4' })
  .max(4, { error: 'a level from 0 to 4' });
const text = z.string({ error: 'text that is not empty' }).min(1, { error: 'text that is not empty' });

const EFFECTS = [
  'read',
  'network',
  'write',
  'message',
  'money',
  'membership',
  'publish',
  'account',
  'destroy',
] as const;
const ROLES = ['target', 'value', 'date', 'payload', 'ignored'] as const;
const TYPES = ['iban', 'email', 'url', 'id', 'number', 'date', 'text'] as const;

const words = <const Words extends readonly [string, ...string[]]>(list: Words) =>
  z.enum(list, { error: `one of ${list.map((word) => `\`${word}\``).join(', ')}` });

const argument = z
  .strictObject(
    {
      role: words(ROLES),
      type: words(TYPES).optional(),
      compose: text.optional(),
      /** Of a value that is an amount of money: rules §2.12. */
      currency: z
        .union([z.string().regex(/^[A-Z]{3}$/), z.strictObject({ arg: pointer })], {
          error: 'a currency such as `EUR`, or `{ arg: /currency }` where an argument names it',
        })
        .optional(),
    },
    { error: 'a role, such as `{ role: target, type: email }`' },
  )
  .refine((one) => one.currency === undefined || one.role === 'value', {
    error: 'a `currency` beside the role `value` only: nothing else is counted as money',
    path: ['currency'],
  });

const output = z.strictObject(
  {
    at: pointer,
    handle: level.optional(),
    text: level.optional(),
    keys: level.optional(),
    secret: z.boolean({ error: '`true` or `false`' }).optional(),
    when: z
      .strictObject(
        { sibling: text, in: z.array(text).optional(), endsWith: text.optional() },
        { error: 'a sibling and what it says' },
      )
      .refine((when) => (when.in === undefined) !== (when.endsWith === undefined), {
        error: 'either `in` or `endsWith`',
      })
      .optional(),
  },
  { error: 'an output, such as `{ at: "/*/subject", text: 1 }`' },
);

const tool = z
  .strictObject(
    {
      risk,
      riskWhen: z
        .array(z.strictObject({ arg: pointer, present: z.literal(true, { error: '`true`' }), risk }))
        .optional(),
      effect: words(EFFECTS),
      intent: z.array(text, { error: 'a list of words' }).optional(),
      args: z.record(pointer, argument, { error: 'a map of JSON pointers' }).optional(),
      outputs: z.array(output, { error: 'a list of outputs' }).optional(),
    },
    { error: 'a tool, such as `{ risk: 1, effect: read }`' },
  )
  .refine((one) => (one.riskWhen ?? []).every((when) => when.risk > one.risk), {
    error: 'a risk in `riskWhen` above the risk of the tool',
    path: ['riskWhen'],
  });

const server = z.strictObject(
  {
    /** One process for everybody. Rules §7.6. */
    shared: z.boolean({ error: '`true` or `false`' }).optional(),
    tools: z.record(text, tool, { error: 'a map of tools' }),
  },
  { error: 'a server with its `tools`' },
);

const reviewed = z.strictObject(
  { by: text, digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, { error: 'a digest `sha256:<hex>`' }) },
  { error: 'who reviewed it, `{ by, digest }`' },
);

export const ManifestFile = z.strictObject(
  {
    manifest: z.literal(1, { error: 'the number `1`' }),
    /** Written by a program. Loads only once a person has put their name to exactly this text. Rules §3.7. */
    generated: z.boolean({ error: '`true` or `false`' }).optional(),
    reviewed: reviewed.optional(),
    servers: z.record(text, server, { error: 'a map of servers' }),
  },
  { error: 'a map that begins with `manifest: 1`' },
);

export type ManifestFile = z.output<typeof ManifestFile>;
export type ServerManifest = z.output<typeof server>;
export type ToolManifest = z.output<typeof tool>;
/** `writ init` puts it beside the schema of writ.yaml. */
export const manifestSchemaFileName = 'writ.manifest.schema.json';

/** The published JSON Schema of a manifest file, for editors. */
export function manifestJsonSchema(): object {
  const schema = z.toJSONSchema(ManifestFile, { io: 'input', target: 'draft-2020-12' });
  return { ...schema, title: 'manifest', description: 'What a person says about the tools of servers.' };
}
