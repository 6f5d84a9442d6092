// `writ token`: getting, narrowing, reading and withdrawing tokens. What may be had is judged at the token endpoint.

import { type FetchLike, keysOf } from '@writ/agent';
import { isJsonObject, type JsonObject, type JsonValue, parseJws, TYP, verifyJws } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { actAs, NotThatAgent, readToken, saysNotThatAgent } from './as-agent.ts';
import { ask } from './client.ts';
import { describeIssuer, endpoint } from './issuer.ts';
import { findPlane } from './plane.ts';
import { type ExitCode, refused, unreachable, usage } from './stop.ts';
import type { Terminal } from './terminal.ts';
import { planeOptions, type VerbGroup, verb } from './verb.ts';

const wanted = {
  as: { type: 'string', required: true, valueHint: 'agent', description: 'agent that asks; this process has to be it' },
  audience: { type: 'string', required: true, valueHint: 'url', description: 'endpoint the token is for' },
  scope: { type: 'string', required: true, repeat: true, valueHint: 'scope', description: 'what may be asked with it' },
  subject: { type: 'string', valueHint: 'file', description: 'token or continuation to go on from; `-` reads stdin' },
  task: { type: 'string', valueHint: 'id', description: 'task to go on from (default: WRIT_TASK)' },
  'estimated-seconds': {
    type: 'string',
    valueHint: 'n',
    description: 'how long the work takes; the token lives at most twice as long',
  },
  ...planeOptions,
} as const;

const held = { token: { type: 'positional', description: 'file with a token; `-` reads stdin' } } as const;

const GRANT = { exchange: 'urn:ietf:params:oauth:grant-type:token-exchange', own: 'client_credentials' } as const;

/** RFC 8693 §3, and Writ's own (contract §7). By the `typ` of what is in hand. */
const SUBJECT_TYPE: { readonly [typ: string]: string } = {
  [TYP.accessToken]: 'urn:ietf:params:oauth:token-type:access_token',
  [TYP.continuation]: 'urn:writ:params:oauth:token-type:continuation',
};

const obtain = (summary: string, subjectNeeded: boolean) =>
  verb({
    summary,
    options: wanted,
    async run({ args, terminal, channels }) {
      if (args.scope.length === 0) throw usage('`--scope` is missing; name what may be asked with the token');
      const task = args.task ?? channels.env.WRIT_TASK;
      if (subjectNeeded && args.subject === undefined && !task)
        throw usage('`--subject` is missing: the token or continuation to go on from');
      try {
        const acting = await actAs(args.as, { ...args, env: channels.env });
        try {
          const subject =
            args.subject !== undefined
              ? readToken(args.subject)
              : task
                ? (await acting.tokens.fetchContinuation(task)).token
                : null;
          const form = tokenForm(acting.id, subject, args);
          return tell(await postForm(acting.fetch, acting.tokenUrl, form), terminal);
        } finally {
          await acting.close();
        }
      } catch (error) {
        if (!(error instanceof NotThatAgent)) throw error;
        const says = `${saysNotThatAgent()} ${error.message}`;
        return tell({ error: 'unauthorized_client', error_description: says, code: error.code }, terminal);
      }
    },
  });

interface TokenWish {
  readonly audience: string;
  readonly scope: readonly string[];
  readonly 'estimated-seconds': string | undefined;
}

export function tokenForm(clientId: string, subject: string | null, wish: TokenWish): URLSearchParams {
  const form = new URLSearchParams({ client_id: clientId, scope: wish.scope.join(' ') });
  if (subject === null) {
    form.set('grant_type', GRANT.own);
    form.set('resource', wish.audience);
  } else {
    const type = SUBJECT_TYPE[parseJws(subject)?.header.typ ?? ''];
    if (type === undefined) throw refused('the subject is neither an access token nor a continuation of a plane');
    form.set('grant_type', GRANT.exchange);
    form.set('subject_token', subject);
    form.set('subject_token_type', type);
    form.set('audience', wish.audience);
  }
  const seconds = wish['estimated-seconds'];
  if (seconds !== undefined) {
    if (!/^[1-9][0-9]{0,8}$/.test(seconds)) throw usage(`\`${seconds}\` is not a number of seconds`);
    form.set('estimated_seconds', seconds);
  }
  return form;
}

async function postForm(fetch: FetchLike, url: string, form: URLSearchParams): Promise<JsonObject> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: form.toString(),
  });
  const body = (await response.json().catch(() => null)) as JsonValue;
  if (!isJsonObject(body)) throw unreachable(`\`${url}\` answered ${response.status} and no JSON`);
  return body;
}

/** The answer of RFC 6749 §5, with the token's claims beside it. */
function tell(answer: JsonObject, terminal: Terminal): ExitCode {
  const token = answer.access_token;
  if (typeof token !== 'string') {
    terminal.answer(answer, () => `refused: ${answer.code ?? answer.error} — ${answer.error_description ?? ''}`);
    return 1;
  }
  terminal.answer({ ...answer, claims: parseJws(token)?.claims ?? null }, () => token);
  return 0;
}

const inspect = verb({
  summary: 'show what a token says, without checking it',
  options: held,
  async run({ args, terminal }) {
    const jws = parseJws(readToken(args.token));
    if (jws === null)
      throw refused('this is not a token of a plane: three parts of base64url with a header of `alg`, `typ` and `kid`');
    const shown = { verified: false, header: { ...jws.header }, claims: jws.claims };
    terminal.answer(
      shown,
      () =>
        `unverified: anybody can write this\n${JSON.stringify({ header: jws.header, claims: jws.claims }, null, 2)}`,
    );
    return 0;
  },
});

const verify = verb({
  summary: 'check signature, issuer and time of a token',
  options: { ...held, ...planeOptions },
  async run({ args, terminal, channels }) {
    const jws = parseJws(readToken(args.token));
    const code = jws === null ? 'token.malformed' : await faultOf(jws, { ...args, env: channels.env });
    const answer = { valid: code === null, code, claims: jws?.claims ?? null };
    terminal.answer(answer, () => (code === null ? 'genuine and current' : `not valid: ${code}`));
    return code === null ? 0 : 1;
  },
});

type Where = Parameters<typeof findPlane>[0];

async function faultOf(jws: NonNullable<ReturnType<typeof parseJws>>, where: Where): Promise<string | null> {
  const plane = findPlane(where);
  const issuer = plane.ready?.issuer ?? plane.adminOrigin;
  if (jws.claims.iss !== issuer) return 'token.issuer_unknown';
  const { body } = await ask({ url: endpoint(await describeIssuer(issuer), 'jwks_uri') });
  const key = keysOf(body).get(jws.header.kid);
  if (key === undefined || !verifyJws(jws, key, nodeEngine)) return 'token.signature_invalid';
  const { exp } = jws.claims;
  return typeof exp === 'number' && exp > Date.now() / 1000 ? null : 'token.expired';
}

const revoke = verb({
  summary: 'withdraw a token and everything that came from it',
  options: { ...held, id: { type: 'boolean', description: 'TOKEN is the id (`jti`) and no file' }, ...planeOptions },
  async run({ args, terminal, channels }) {
    const id = args.id ? args.token : parseJws(readToken(args.token))?.claims.jti;
    if (typeof id !== 'string') throw refused('the token has no id to withdraw it by');
    const answer = await findPlane({ ...args, env: channels.env }).act('POST', 'revocations', { token: id });
    terminal.answer(answer, () => `withdrawn: ${id}`);
    return 0;
  },
});

const group: VerbGroup = {
  summary: 'get, narrow, read and withdraw tokens',
  verbs: {
    get: obtain('get a token for one audience', false),
    exchange: obtain('narrow a token, or go on from a continuation (RFC 8693)', true),
    inspect,
    verify,
    revoke,
  },
};
export default group;
