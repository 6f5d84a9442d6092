// The parts of writ.yaml with a little grammar of their own: allow lines and their constraints, mandates, modes.

import { parseDecimal } from '@writ/core';
import * as z from 'zod';
import { secret } from './credential.ts';
import {
  agentKey,
  ceilingOf,
  closed,
  day,
  duration,
  LIMIT,
  listOf,
  oneOf,
  oneOfWords,
  path,
  scope,
  someText,
  webUrl,
  wholeNumber,
  word,
} from './words.ts';

const publicKey = z
  .looseObject({ kty: someText, kid: someText.optional() }, { error: 'a public key as JWK' })
  // RFC 7518 §6: members that only a private or secret key has.
  .refine((key) => !['d', 'p', 'q', 'k'].some((member) => member in key), {
    error: 'public keys only; keep private keys out of this file',
  });

export const jwks = z.union([path, closed({ keys: listOf(publicKey, 'public keys as JWK') }, 'a key set')], {
  error: 'a path of a JWK set, or `{ keys: [ … ] }` with public keys',
});

const modeWord = oneOfWords(['enforce', 'observe', 'off']);
const modeUntil = closed({ kind: modeWord, until: day }, 'a mode with its last day');

export const mode = z.union([modeWord, modeUntil], {
  error: '`enforce`, `observe`, `off`, or `{ kind: observe, until: 2027-06-30 }`',
});

const decimalText = z.union(
  [
    z.number().refine((value) => parseDecimal(String(value)) !== null, { error: 'a number' }),
    z.string().refine((text) => parseDecimal(text) !== null, { error: 'a number' }),
  ],
  { error: 'a number' },
);

const jsonScalar = z.union([z.string(), z.number(), z.boolean(), z.null()], { error: 'text, a number, true or false' });

/** Argument constraints, rules §2.11, in the short spelling of an allow line. */
export const constraint = closed(
  {
    any: z.literal(true, { error: '`true`' }).optional(),
    oneOf: listOf(jsonScalar, 'values').optional(),
    subpath: z
      .union([path, closed({ root: path, separator: oneOfWords(['/', '\\']) }, 'a root with its separator')], {
        error: 'an absolute path, or `{ root, separator }`',
      })
      .optional(),
    urlHost: listOf(someText, 'host names').optional(),
    cidr: listOf(someText, 'networks such as `10.0.0.0/8`').optional(),
    range: closed({ min: decimalText.optional(), max: decimalText.optional() }, 'a map of `min` and `max`')
      .refine((range) => range.min !== undefined || range.max !== undefined, { error: '`min`, `max` or both' })
      .optional(),
    matches: word(/^.{1,256}$/u, 'a regular expression of at most 256 characters')
      .refine(isPattern, { error: 'a regular expression as JavaScript reads it with the flag `u`' })
      .optional(),
  },
  'a constraint, such as `{ oneOf: [ … ] }`',
)
  .refine(oneOf(), { error: 'exactly one kind of constraint' })
  .meta({ minProperties: 1, maxProperties: 1 });

export const limit = closed(
  {
    max: word(LIMIT, '`20 calls` or an amount such as `500.00 EUR`').refine((text) => ceilingOf(text) !== null, {
      error: 'an amount in whole minor units of its currency, such as `500.00 EUR`',
    }),
    per: oneOfWords(['task', 'root', 'agent']),
    of: word(/^[A-Za-z0-9_-]+(?:\/\S+)?$/, '`server/tool` or a server').optional(),
    every: duration.optional(),
  },
  'a limit such as `{ max: "500.00 EUR", per: root, every: 1d }`',
).refine(({ per, every }) => per === 'task' || every !== undefined, {
  error: '`every`, such as `1d`: only what counts per task ends by itself',
  path: ['every'],
});

export const allowLine = closed(
  {
    agent: word(/^(?:client:\S+|[A-Za-z0-9_-]+\/[A-Za-z0-9_-]+)$/, 'an agent key, or `client:<client id>`'),
    tool: word(/^[A-Za-z0-9_-]+\/\S+$/, '`server/tool`'),
    where: z
      .record(word(/^\/(?:[^~]|~[01])*$/, 'a JSON pointer such as `/to`'), constraint, {
        error: 'a map of constraints',
      })
      .optional(),
    users: listOf(someText, 'user names').optional(),
    risk: wholeNumber(0, 3, 'the risk you reviewed').optional(),
    mode: mode.optional(),
  },
  'a line such as `{ agent: claude/orchestrator, tool: files/read_file }`',
);

/** Another decision point: one that is asked over the network, or an OPA bundle that is evaluated here. */
export const decisionPoint = closed(
  {
    opa: webUrl.optional(),
    authzen: webUrl.optional(),
    bundle: path.optional(),
    rule: word(/^[A-Za-z_][A-Za-z0-9_]*(?:\/[A-Za-z_][A-Za-z0-9_]*)*$/, 'a rule, such as `writ/allow`').optional(),
    sends: listOf(word(/^(?:\/(?:[^~]|~[01])*)?$/, 'a JSON pointer such as `/to`'), 'JSON pointers').optional(),
    timeoutMillis: wholeNumber(1, 10_000, 'milliseconds to answer in').optional(),
    credential: secret.optional(),
    ca: path.optional(),
  },
  'a decision point, such as `{ opa: "https://opa.example/v1/data/writ/allow" }`',
)
  .refine(oneOf('opa', 'authzen', 'bundle'), {
    error: 'exactly one of `opa`, `authzen` and `bundle`',
  })
  .refine((point) => (point.bundle === undefined) === (point.rule === undefined), {
    error: '`rule` beside `bundle`, and only there',
  })
  .refine(
    ({ bundle, sends, timeoutMillis, credential, ca }) => {
      return bundle === undefined || [sends, timeoutMillis, credential, ca].every((one) => one === undefined);
    },
    { error: '`bundle` and `rule` alone: nothing is sent anywhere' },
  )
  .meta({ oneOf: [{ required: ['opa'] }, { required: ['authzen'] }, { required: ['bundle', 'rule'] }] });

const budget = closed(
  {
    unit: word(/^(?:calls|[A-Z]{3})$/, '`calls` or a currency such as `EUR`'),
    max: wholeNumber(0, Number.MAX_SAFE_INTEGER, 'a ceiling in whole calls or minor units'),
  },
  'a ceiling, such as `{ unit: calls, max: 100 }`',
);

const cronField = String.raw`(?:\*|[0-9]{1,2}(?:-[0-9]{1,2})?)(?:\/[1-9][0-9]?)?`;
const cronList = `${cronField}(?:,${cronField})*`;

export const mandate = closed(
  {
    owner: someText,
    agent: agentKey,
    prompt: someText,
    scopes: listOf(scope, 'scopes'),
    depth: wholeNumber(0, 15, 'how often the work may be handed on').optional(),
    budget: listOf(budget, 'ceilings').optional(),
    schedule: word(
      new RegExp(`^${cronList}(?: ${cronList}){4}$`),
      'five fields `minute hour day month weekday`, such as `0 3 * * *`',
    ),
    window: duration.optional(),
    expires: day,
    reviewed: closed(
      { by: someText, digest: word(/^sha256:[0-9a-f]{64}$/, 'a digest `sha256:<hex>`') },
      'who reviewed it, `{ by, digest }`',
    ).optional(),
  },
  'a mandate',
);

function isPattern(text: string): boolean {
  try {
    new RegExp(`^(?:${text})$`, 'u');
    return true;
  } catch {
    return false;
  }
}
