// Proving who one is: by password, by the one-time link, or as the demo's person. One sentence for every failure, about the same time
// for each, and fewer and fewer tries. Recorded before the session exists.

import { createAttempts } from './attempts.ts';
import type { FirstAdmin } from './first-admin.ts';
import { COST, type Cost, hashPassword, passwordProblem, verifyPassword } from './password.ts';
import type { Method, PeopleDeps, SignedIn } from './ports.ts';
import type { Sessions } from './sessions.ts';
import { type Users, userName } from './users.ts';

export interface PasswordTry {
  readonly user: string;
  readonly password: string;
  /** Address it came from. */
  readonly source: string;
}

export interface LinkUse {
  /** The link, or its secret part. */
  readonly link: string;
  readonly source: string;
  /** Absent: a session for now, as `admin`. */
  readonly chosen?: { readonly user: string; readonly password: string };
}

export type Proof = { readonly ok: true; readonly user: string } | Extract<SignedIn, { ok: false }>;

export interface SignIn {
  /** Looks at the password, counts the try, and records how it went. Opens no session. */
  prove(attempt: PasswordTry): Promise<Proof>;
  byPassword(attempt: PasswordTry): Promise<SignedIn>;
  byLink(use: LinkUse): Promise<SignedIn>;
  asDemoUser(source: string): Promise<SignedIn>;
  proveDemoUser(source: string): Promise<Proof>;
}

const WRONG = { ok: false, status: 403, says: 'The name or the password is not right.' } as const;
const LINK_OVER = {
  ok: false,
  status: 403,
  says: 'This link is not valid any more. It is good once and for 15 minutes; the next start prints another.',
} as const;

export interface SignInRooms {
  readonly users: Users;
  readonly sessions: Sessions;
  readonly firstAdmin: FirstAdmin;
  readonly cost?: Cost;
}

export function createSignIn(deps: PeopleDeps, { users, sessions, firstAdmin, cost = COST }: SignInRooms): SignIn {
  const { nowSeconds } = deps.clock;
  const bySource = createAttempts({ tries: 10, refillSeconds: 30 }, nowSeconds);
  // Many sources for one name. So high that nobody locks a person out from a single place.
  const byName = createAttempts({ tries: 100, refillSeconds: 30 }, nowSeconds);
  /** Somebody who does not exist has this password, so that it takes as long to refuse them. */
  const nobodys = hashPassword('nobody knows this one, and it is of no use', cost);

  async function prove({ user, password, source }: PasswordTry): Promise<Proof> {
    const known = userName.test(user) && (await users.find(user)) !== null;
    const keys = [[bySource, source] as const, ...(known ? [[byName, user] as const] : [])];
    for (const [i, [attempts, key]] of keys.entries()) {
      const retrySeconds = attempts.take(key);
      if (retrySeconds === 0) continue;
      for (const [taken, name] of keys.slice(0, i)) taken.giveBack(name);
      return {
        ok: false,
        status: 429,
        says: `Too many tries. The next one is in ${retrySeconds} seconds.`,
        retrySeconds,
      };
    }
    const stored = known ? await storedPassword(user) : null;
    const right = await verifyPassword(password, stored ?? (await nobodys));
    if (!right || stored === null) {
      await recordRefusal(known ? user : null, source);
      return WRONG;
    }
    for (const [attempts, key] of keys) attempts.giveBack(key);
    await recordSignIn(user, 'pwd', source);
    return { ok: true, user };
  }

  /** A configured file that cannot be read is the operator's to mend, and to the person it is a password that is not right. */
  async function storedPassword(user: string): Promise<string | null> {
    try {
      return await users.passwordOf(user);
    } catch (error) {
      deps.report(`the password of \`${user}\``, error);
      return null;
    }
  }

  async function recordRefusal(user: string | null, source: string): Promise<void> {
    const refused = { event: 'person.sign_in_refused', id: deps.newId(), user, source } as const;
    await deps.record(refused).catch((error: unknown) => deps.report('record of a refusal', error));
  }

  async function recordSignIn(user: string, method: Method, source: string): Promise<void> {
    await deps.record({ event: 'person.signed_in', id: deps.newId(), user, method, source });
  }

  async function proveDemoUser(source: string): Promise<Proof> {
    if (deps.demoUser === null || !(await users.find(deps.demoUser))) return WRONG;
    await recordSignIn(deps.demoUser, 'demo', source);
    return { ok: true, user: deps.demoUser };
  }

  async function opened(proof: Proof): Promise<SignedIn> {
    return proof.ok ? { ok: true, ...(await sessions.open(proof.user)) } : proof;
  }

  return {
    prove,
    proveDemoUser,
    byPassword: async (attempt) => opened(await prove(attempt)),
    asDemoUser: async (source) => opened(await proveDemoUser(source)),

    async byLink({ link, source, chosen }) {
      const problem = chosen ? choiceProblem(chosen, deps) : null;
      if (problem !== null) return { ok: false, status: 400, says: problem };
      const retrySeconds = bySource.take(source);
      if (retrySeconds > 0) return tooOften(retrySeconds);
      const name = chosen?.user ?? 'admin';
      const passwordHash = chosen ? await hashPassword(chosen.password, cost) : null;
      const record = () => deps.record({ event: 'person.first_admin', id: deps.newId(), user: name, source });
      const taken = await firstAdmin.take(onceOf(link), { name, passwordHash }, record);
      if (!taken) return LINK_OVER;
      bySource.giveBack(source);
      return { ok: true, ...(await sessions.open(name)) };
    },
  };
}

function tooOften(retrySeconds: number): Extract<SignedIn, { ok: false }> {
  return { ok: false, status: 429, says: `Too many tries. The next one is in ${retrySeconds} seconds.`, retrySeconds };
}

function choiceProblem({ user, password }: { user: string; password: string }, deps: PeopleDeps): string | null {
  if (!userName.test(user))
    return 'Choose a name of letters, digits and . _ @ + - that begins with a letter or a digit.';
  if (deps.configured().get(user)?.passwordFile != null) {
    return 'That name has its password in writ.yaml already; choose another name.';
  }
  return passwordProblem(password, user);
}

function onceOf(link: string): string {
  return URL.canParse(link) ? (new URL(link).searchParams.get('once') ?? '') : link;
}
