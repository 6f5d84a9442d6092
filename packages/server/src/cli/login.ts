// `writ login`: signs a person in at this terminal. A one-time link, else a browser on this machine (RFC 8252), else a
// code typed on another device (RFC 8628). The session is kept for this user alone.

import { isJsonObject } from '@writ/core';
import { ask, saysOf } from './client.ts';
import { describeIssuer } from './issuer.ts';
import { signInByBrowser } from './login-browser.ts';
import { signInByDevice } from './login-device.ts';
import { findReady, originOf, type Whereabouts } from './plane.ts';
import { type Session, sessionsFile, writeSession } from './sessions.ts';
import { refused, unreachable, usage } from './stop.ts';
import { planeOptions, verb } from './verb.ts';

export default verb({
  summary: 'sign in at this terminal',
  options: {
    link: { type: 'string', valueHint: 'url', description: 'one-time link, as `writ up` prints it at first' },
    device: { type: 'boolean', description: 'sign in on another device by a code' },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const where = { config: args.config, data: args.data, env: channels.env };
    const { origin, session } =
      args.link === undefined ? await bySignIn(where, args.device, terminal.note) : await byLink(args.link);
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

/** Contract §5: `POST /api/v1/login {"link"}` → `{"session","roles","expires"}`. */
async function byLink(link: string): Promise<SignedIn> {
  if (!URL.canParse(link))
    throw usage(`\`${link}\` is not a link; it looks like \`http://127.0.0.1:8420/login?once=…\``);
  const { origin } = new URL(link);
  const answer = await ask({ url: `${origin}/api/v1/login`, method: 'POST', body: { link } });
  if (answer.status >= 500) throw unreachable(saysOf(answer));
  if (answer.status !== 200 || !isJsonObject(answer.body))
    throw refused(`${saysOf(answer)}; a link is good once and for 15 minutes`);
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

async function bySignIn(where: Whereabouts, device: boolean, note: (text: string) => void): Promise<SignedIn> {
  const ready = findReady(where);
  const admin = where.env.WRIT_ADMIN ?? ready?.admin.url;
  if (admin === undefined)
    throw unreachable('no plane is running here; `writ up` starts one, `--data` or WRIT_ADMIN name one');
  const origin = originOf(admin);
  const issuer = await describeIssuer(ready?.issuer ?? origin);
  const token = device ? await signInByDevice(issuer, note) : await signInByBrowser(issuer, note);
  const expires =
    typeof token.expires_in === 'number' ? new Date(Date.now() + token.expires_in * 1000).toISOString() : null;
  if (typeof token.access_token !== 'string') throw unreachable('the plane answered without a token');
  return { origin, session: { session: token.access_token, roles: [], expires } };
}
