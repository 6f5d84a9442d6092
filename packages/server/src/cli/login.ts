// `writ login`: signs a person in at this terminal. A one-time link, else a browser on this machine (RFC 8252), else a
// code typed on another device (RFC 8628). The session is kept for this user alone.

import { isJsonObject, type JsonObject } from '@writ/core';
import { askPassword } from './ask-person.ts';
import { ask, saysOf } from './client.ts';
import { describeIssuer } from './issuer.ts';
import { signInByBrowser } from './login-browser.ts';
import { signInByDevice } from './login-device.ts';
import { findReady, originOf, type Whereabouts } from './plane.ts';
import { type Session, sessionsFile, writeSession } from './sessions.ts';
import { refused, unreachable } from './stop.ts';
import { planeOptions, verb } from './verb.ts';

export default verb({
  summary: 'sign in at this terminal',
  options: {
    link: { type: 'string', valueHint: 'url', description: 'one-time link, as `writ up` prints it at first' },
    user: { type: 'string', valueHint: 'name', description: 'sign in by password; with --link, the name to take' },
    'password-stdin': { type: 'boolean', description: 'read the password from the first line of stdin' },
    device: { type: 'boolean', description: 'sign in on another device by a code' },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const where = { config: args.config, data: args.data, env: channels.env };
    const chosen = args.user === undefined ? null : await nameAndPassword(args.user, args['password-stdin']);
    const { origin, session } =
      args.link !== undefined
        ? await bySecret(originOf(args.link), { link: args.link, ...chosen })
        : chosen !== null
          ? await bySecret(adminOf(where), chosen)
          : await bySignIn(where, args.device, terminal.note);
    writeSession(channels.env, origin, session);
    const { roles, expires } = session;
    terminal.answer({ admin: origin, roles, expires }, () => {
      const as = roles.length === 0 ? '' : ` as ${roles.join(', ')}`;
      return `signed in at ${origin}${as}${expires === null ? '' : ` until ${expires}`}; kept in ${sessionsFile(channels.env)}`;
    });
    return 0;
  },
});

interface SignedIn {
  /** Of the admin port. */
  readonly origin: string;
  readonly session: Session;
}

type Chosen = { readonly user: string; readonly password: string };

async function nameAndPassword(user: string, fromStdin: boolean): Promise<Chosen> {
  return { user, password: await askPassword(`password for ${user}: `, fromStdin) };
}

/** Contract §5: `POST /api/v1/login {"link"}` → `{"session","roles","expires"}`; also with a name and its password. */
async function bySecret(origin: string, body: JsonObject): Promise<SignedIn> {
  const answer = await ask({ url: `${origin}/api/v1/login`, method: 'POST', body });
  if (answer.status >= 500) throw unreachable(saysOf(answer));
  if (answer.status !== 200 || !isJsonObject(answer.body)) throw refused(saysOf(answer));
  const { session, roles, expires } = answer.body;
  if (typeof session !== 'string') throw unreachable('the plane answered without a session');
  return {
    origin,
    session: {
      session,
      roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [],
      expires: typeof expires === 'string' ? expires : null,
    },
  };
}

/** Of the plane here, or the one that `WRIT_ADMIN` names. */
function adminOf(where: Whereabouts): string {
  const admin = where.env.WRIT_ADMIN ?? findReady(where)?.admin.url;
  if (admin !== undefined) return originOf(admin);
  throw unreachable('no plane is running here; `writ up` starts one, `--data` or WRIT_ADMIN name one');
}

async function bySignIn(where: Whereabouts, device: boolean, note: (text: string) => void): Promise<SignedIn> {
  const origin = adminOf(where);
  const issuer = await describeIssuer(findReady(where)?.issuer ?? origin);
  const token = device ? await signInByDevice(issuer, note) : await signInByBrowser(issuer, note);
  const expires =
    typeof token.expires_in === 'number' ? new Date(Date.now() + token.expires_in * 1000).toISOString() : null;
  if (typeof token.access_token !== 'string') throw unreachable('the plane answered without a token');
  return { origin, session: { session: token.access_token, roles: [], expires } };
}
