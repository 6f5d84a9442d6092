// The pages where a person signs in, agrees, or types a code, as HTML. What was typed into them is judged elsewhere.

import { documentOf, type Html, html, htmlWithoutEscaping, type Page } from '../../page.ts';
import type { Interaction, Pages } from '../people-port.ts';
import { durationInWords, scopeInWords } from './words.ts';

export interface SignInPage {
  /** Name of the program that sent the person here; null for the console. */
  readonly client: string | null;
  readonly problem: string | null;
  readonly user: string;
  /** Path of the console to go to afterwards. */
  readonly goTo: string | null;
  readonly demoUser: string | null;
}

export function signInPage({ client, problem, user, goTo, demoUser }: SignInPage): Page {
  const demo =
    demoUser === null
      ? null
      : html`<form method="post">${hidden('goTo', goTo)}<button name="demo" value="yes">Sign in as ${demoUser} (demo)</button></form>`;
  return narrow(
    'Sign in',
    html`${client === null ? null : html`<p><strong>${client}</strong> asks you to sign in.</p>`}
${problemOf(problem)}
<form method="post">
${hidden('goTo', goTo)}
<label for="user">Name</label>
<input type="text" id="user" name="user" value="${user}" autocomplete="username" autocapitalize="none" required autofocus>
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password" required>
<button>Sign in</button>
</form>
${demo}
${client === null ? null : html`<form method="post"><button name="answer" value="no">No, go back</button></form>`}`,
  );
}

export function firstAdminPage({ once, user, problem }: { once: string; user: string; problem: string | null }): Page {
  return narrow(
    'Welcome to Writ',
    html`<p>You are the first to sign in here, and become the admin of this plane. Choose how you sign in from now on.</p>
${problemOf(problem)}
<form method="post" action="/login">
${hidden('once', once)}
<label for="user">Name</label>
<input type="text" id="user" name="user" value="${user}" autocomplete="username" autocapitalize="none" required autofocus>
<label for="password">Password, at least 15 characters</label>
<input type="password" id="password" name="password" autocomplete="new-password" minlength="15" required>
<label for="again">The same password again</label>
<input type="password" id="again" name="again" autocomplete="new-password" minlength="15" required>
<button>Become admin</button>
</form>`,
  );
}

export interface ConsentPage {
  readonly asked: Interaction;
  /** Digest of what is shown: a yes is to exactly this. */
  readonly digest: string;
  readonly user: string;
  readonly seconds: number;
  calleeOf(resource: string): { readonly kind: string; readonly key: string } | null;
}

export function consentPage({ asked, digest, user, seconds, calleeOf }: ConsentPage): Page {
  const wanted = asked.wants.map(({ resource, scopes }) => {
    const callee = calleeOf(resource);
    const at =
      callee === null ? html`<code>${resource}</code>` : html`the ${callee.kind} <strong>${callee.key}</strong>`;
    return html`<p>At ${at}:</p>
<ul>${scopes.map((scope) => html`<li>${scopeInWords(scope)} <code>${scope}</code></li>`)}</ul>`;
  });
  return narrow(
    'May it act for you?',
    html`<p>You are <strong>${user}</strong>. <strong>${asked.client.name}</strong> <code>${asked.client.id}</code> asks to act for you.</p>
${wanted.length === 0 ? html`<p>It asks for nothing new.</p>` : wanted}
<p>Your yes lasts ${durationInWords(seconds)}, unless you take it back. Each call is still checked, and recorded under your name.</p>
<form method="post" class="row">
${hidden('asked', digest)}
<button name="answer" value="yes">Yes</button>
<button name="answer" value="no">No</button>
</form>`,
  );
}

export function signOutPage(user: string, csrf: string): Page {
  return narrow(
    'Sign out',
    html`<p>You are signed in as <strong>${user}</strong>.</p>
<form method="post">${hidden('csrf', csrf)}<button>Sign out</button></form>
<p><a href="/console/">Back to the console</a></p>`,
  );
}

export function messagePage(title: string, says: string): Page {
  return narrow(title, html`<p>${says}</p>`);
}

/** The few pages that the OAuth library shows by itself. */
export const DEVICE_PAGES: Pages = {
  typeCode: ({ form, problem }) =>
    documentOf(
      narrow(
        'Enter the code',
        html`${problemOf(problem) ?? html`<p>The program that waits for you shows it.</p>`}
${htmlWithoutEscaping(form)}
<button type="submit" form="op.deviceInputForm">Continue</button>`,
      ),
    ),
  confirmCode: ({ form, client, code }) =>
    documentOf(
      narrow(
        'Is this you?',
        html`<p><strong>${client}</strong> asks to act for you. It should show this code:</p>
<p><code>${code}</code></p>
<p>If you did not start this, or the code differs, say no.</p>
${htmlWithoutEscaping(form)}
<button type="submit" form="op.deviceConfirmForm">Yes, continue</button>
<button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">No</button>`,
      ),
    ),
  deviceDone: ({ client }) => documentOf(messagePage('Done', `You can go back to ${client} and close this page.`)),
  failed: ({ error, says }) =>
    documentOf(narrow('That did not work', html`<p>${says}</p><p><code>${error}</code></p>`)),
};

function narrow(title: string, body: Html): Page {
  return { title, body: html`<main class="narrow"><h1>${title}</h1>${body}</main>` };
}

function problemOf(problem: string | null): Html | null {
  return problem === null ? null : html`<p class="problem" role="alert">${problem}</p>`;
}

function hidden(name: string, value: string | null): Html | null {
  return value === null ? null : html`<input type="hidden" name="${name}" value="${value}">`;
}
