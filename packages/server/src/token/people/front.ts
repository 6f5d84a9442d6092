// `/login` and `/logout`: the plane's own sign-in, for its console.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { retryAfter, sendOn, sendPage } from '../../page.ts';
import { isForeign, isForUs, pathOf, queryOf, readForm } from '../../page-form.ts';
import { sessionCookie } from './cookie.ts';
import { sourceOf } from './interaction.ts';
import { firstAdminPage, messagePage, signInPage, signOutPage } from './pages.ts';
import type { PeopleDeps, SignedIn } from './ports.ts';
import type { Sessions } from './sessions.ts';
import type { SignIn } from './sign-in.ts';

type Fields = ReadonlyMap<string, string>;

const METHODS = new Set(['GET', 'HEAD', 'POST']);
const FOREIGN = messagePage('That did not work', 'This form was not sent by a page of this plane.');

export function createPeopleFront(deps: PeopleDeps, sessions: Sessions, signIn: SignIn) {
  /** False: not one of its paths, and nothing was answered. */
  return async (req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    const path = pathOf(req);
    if (path !== '/login' && path !== '/logout') return false;
    const origins = deps.origins();
    if (!isForUs(req, origins)) {
      sendPage(res, { ...messagePage('Not here', 'This plane does not answer under that name.'), status: 421 });
    } else if (!METHODS.has(req.method ?? '')) {
      res.writeHead(405, { Allow: 'GET, POST' }).end();
    } else if (req.method === 'POST' && isForeign(req, origins)) {
      sendPage(res, { ...FOREIGN, status: 403 });
    } else {
      const fields = req.method === 'POST' ? ((await readForm(req)) ?? new Map<string, string>()) : null;
      await (path === '/login' ? login(req, res, fields) : logout(req, res, fields));
    }
    return true;
  };

  async function login(req: IncomingMessage, res: ServerResponse, fields: Fields | null): Promise<void> {
    const once = fields ? fields.get('once') : queryOf(req).get('once');
    if (once != null) return firstAdmin(req, res, once, fields);
    const goTo = ownPage((fields ? fields.get('goTo') : queryOf(req).get('goTo')) ?? null);
    const signedIn = fields && (await attempt(fields, sourceOf(req)));
    if (signedIn?.ok) return welcome(req, res, signedIn, goTo);
    const page = signInPage({
      client: null,
      problem: signedIn?.says ?? null,
      user: fields?.get('user') ?? '',
      goTo,
      demoUser: deps.demoUser,
    });
    refuseOrShow(res, page, signedIn);
  }

  async function attempt(fields: Fields, source: string): Promise<SignedIn> {
    if (fields.get('demo') === 'yes') return signIn.asDemoUser(source);
    return signIn.byPassword({ user: fields.get('user') ?? '', password: fields.get('password') ?? '', source });
  }

  /** Looking at the page leaves the link as it is: programs that preview links look at them. The form takes it. */
  async function firstAdmin(req: IncomingMessage, res: ServerResponse, once: string, fields: Fields | null) {
    const user = fields?.get('user') ?? '';
    const password = fields?.get('password') ?? '';
    if (fields && password !== fields.get('again')) {
      return sendPage(res, { ...firstAdminPage({ once, user, problem: 'The two passwords differ.' }), status: 400 });
    }
    const signedIn = fields && (await signIn.byLink({ link: once, source: sourceOf(req), chosen: { user, password } }));
    if (signedIn?.ok) return welcome(req, res, signedIn, '/console/');
    refuseOrShow(res, firstAdminPage({ once, user, problem: signedIn?.says ?? null }), signedIn);
  }

  async function welcome(req: IncomingMessage, res: ServerResponse, signedIn: SignedIn & { ok: true }, goTo: string) {
    const cookie = sessionCookie(deps.origins()[0]!);
    const before = cookie.read(req);
    const replaced = before === null ? null : await sessions.find(before);
    if (replaced) await sessions.end(replaced.sessionId);
    const secondsLeft = signedIn.person.expiresSeconds - deps.clock.nowSeconds();
    sendOn(res, goTo, { 'Set-Cookie': cookie.set(signedIn.secret, secondsLeft) });
  }

  async function logout(req: IncomingMessage, res: ServerResponse, fields: Fields | null): Promise<void> {
    const cookie = sessionCookie(deps.origins()[0]!);
    const secret = cookie.read(req);
    const person = secret === null ? null : await sessions.find(secret);
    if (!person) return sendOn(res, '/login', { 'Set-Cookie': cookie.clear });
    if (!fields) return sendPage(res, signOutPage(person.user, person.csrf));
    if (fields.get('csrf') !== person.csrf) return sendPage(res, { ...FOREIGN, status: 403 });
    await sessions.end(person.sessionId);
    await deps.record({ event: 'person.signed_out', id: deps.newId(), user: person.user });
    sendOn(res, '/login', { 'Set-Cookie': cookie.clear });
  }
}

function refuseOrShow(res: ServerResponse, page: ReturnType<typeof signInPage>, refused: SignedIn | null): void {
  const { status, retrySeconds } = refused && !refused.ok ? refused : { status: 200 };
  sendPage(res, { ...page, status, headers: retryAfter(retrySeconds) });
}

/** Only to pages of the console: a sign-in page that sends people anywhere helps whoever wrote the link. */
function ownPage(path: string | null): string {
  return path !== null && /^\/console\/[A-Za-z0-9_/-]*$/.test(path) && !path.includes('//') ? path : '/console/';
}
