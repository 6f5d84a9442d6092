// The bodies the API takes: exactly these members.

import * as z from 'zod';

const id = z.string().min(1).max(512);
const text = z.string().max(32_768);
const password = z.string().max(1_024);
const digest = z.string().min(1).max(256);

export const LoginBody = z.union(
  [
    z.strictObject({ link: id }),
    z.strictObject({ link: id, user: id, password }),
    z.strictObject({ user: id, password }),
  ],
  { error: 'expected `{"link"}`, `{"link","user","password"}` or `{"user","password"}`' },
);

export const TaskBody = z.strictObject({
  user: id.optional(),
  agent: id,
  prompt: text.nullable().optional(),
  scope: z.array(id).max(256).optional(),
  planned: z
    .strictObject({ scopes: z.array(id).max(256).optional(), constraints: z.array(z.json()).max(256).optional() })
    .optional(),
  depth: z.int().min(0).max(64).optional(),
  budget: z
    .array(z.strictObject({ unit: id, max: z.int().min(0) }))
    .max(64)
    .optional(),
  ttlSeconds: z.int().min(1).optional(),
});

/** `endorse`: the person also vouches for these values in their task (rules §4.3), all that are below level 3 or those at the pointers. */
export const VerdictBody = z.union(
  [
    z.strictObject({ verdict: z.enum(['approve', 'deny']), hash: digest }),
    z.strictObject({
      verdict: z.literal('approve'),
      hash: digest,
      endorse: z.union([z.literal(true), z.array(z.string().max(1_024)).min(1).max(64)]),
    }),
  ],
  { error: 'expected `{"verdict":"approve"|"deny","hash"}`, and `endorse` at most besides an `approve`' },
);

export const RevocationBody = z.union(
  [
    z.strictObject({ agent: id }),
    z.strictObject({ token: id }),
    z.strictObject({ user: id }),
    z.strictObject({ consent: id }),
    z.strictObject({ task: id }),
  ],
  { error: 'expected exactly one of `agent`, `token`, `user`, `consent`, `task`' },
);

/** An agent whose memory was wiped (rules §3.4), and why that is known. */
export const ForgetBody = z.strictObject({ agent: id, reason: z.string().trim().min(1).max(1_000) });

export const KeysBody = z.strictObject({
  kind: z.enum(['root', 'jwt']),
  atOnce: z.boolean().optional(),
  revoke: z.boolean().optional(),
});

/** The digest over all that was shown, or one for each definition that is to be pinned. `by`: who is meant to be signed in. */
export const ReloadBody = z.strictObject({ digest: z.string() });

export const ReviewBody = z.union(
  [
    z.strictObject({ digest, by: id.optional() }),
    z.strictObject({ digests: z.record(z.string().max(512), digest), by: id.optional() }),
  ],
  { error: 'expected `{"digest"}` or `{"digests":{"<tool>":"<digest>"}}`, and `by` at most besides' },
);

/** What is wrong, for whoever sent it. */
export function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  const at = issue?.path.map((step) => String(step)).join('.');
  return at ? `\`${at}\`: ${issue?.message}` : (issue?.message ?? 'the body has another form');
}
