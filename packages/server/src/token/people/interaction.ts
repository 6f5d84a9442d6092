// `/interaction/…`: the authorization server waits for a person to sign in and to agree. What is agreed to is what was shown.

import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { canonicalJson, type JsonValue } from '@writ/core';
import { type Page, retryAfter, sendPage } from '../../page.ts';
import { isForeign, readForm } from '../../page-form.ts';
import type { Interaction, Interactions } from '../people-port.ts';
import { consentPage, messagePage, signInPage } from './pages.ts';
import type { PeopleDeps } from './ports.ts';
import type { Proof, SignIn } from './sign-in.ts';

type Fields = ReadonlyMap<string, string>;

const OVER = messagePage(
  'This sign-in is over',
  'It ran out, or this browser did not begin it. Start again from the program.',
);
const FOREIGN = messagePage('That did not work', 'This form was not sent by a page of this plane.');

/** Its form ends in a redirect to the program that asked, wherever that is. */
const forms = 'leads-away';

export function createInteractionHandler(deps: PeopleDeps, signIn: SignIn) {
  return async (req: IncomingMessage, res: ServerResponse, interactions: Interactions): Promise<void> => {
    if (req.method !== 'GET' && req.method !== 'POST') return void res.writeHead(405, { Allow: 'GET, POST' }).end();
    if (req.method === 'POST' && isForeign(req, deps.origins())) return sendPage(res, { ...FOREIGN, status: 403 });
    const fields = req.method === 'POST' ? await readForm(req) : null;
    const asked = await interactions.read(req, res);
    if (!asked) return sendPage(res, { ...OVER, status: 404 });
    if (fields?.get('answer') === 'no') return interactions.refuse(req, res);
    if (asked.asks === 'consent') return consent(asked, fields);
    return login(asked, fields);

    async function consent(asked: Interaction, fields: Fields | null): Promise<void> {
      const digest = digestOf(asked);
      if (fields?.get('answer') === 'yes' && fields.get('asked') === digest) return interactions.consent(req, res);
      sendPage(res, { ...pageOfConsent(asked, digest), forms });
    }

    async function login(asked: Interaction, fields: Fields | null): Promise<void> {
      const proof = fields && (await proven(fields, sourceOf(req), signIn));
      if (proof?.ok) {
        const authenticatedAtSeconds = deps.clock.nowSeconds();
        const methods = fields!.get('demo') === 'yes' ? [] : ['pwd'];
        return interactions.signIn(req, res, { user: proof.user, authenticatedAtSeconds, methods });
      }
      const page = signInPage({
        client: asked.client.name,
        problem: proof?.says ?? null,
        user: fields?.get('user') ?? '',
        goTo: null,
        demoUser: deps.demoUser,
      });
      sendPage(res, { ...page, status: proof?.status ?? 200, forms, headers: retryAfter(proof?.retrySeconds) });
    }
  };

  function pageOfConsent(asked: Interaction, digest: string): Page {
    return consentPage({
      asked,
      digest,
      user: asked.user ?? '',
      seconds: deps.consentSeconds,
      calleeOf: deps.calleeOf,
    });
  }
}

export async function proven(fields: Fields, source: string, signIn: SignIn): Promise<Proof> {
  if (fields.get('demo') === 'yes') return signIn.proveDemoUser(source);
  return signIn.prove({ user: fields.get('user') ?? '', password: fields.get('password') ?? '', source });
}

export function sourceOf(req: IncomingMessage): string {
  return req.socket.remoteAddress ?? 'unknown';
}

/** Holds the interaction's id, which nobody else can know. */
function digestOf(asked: Interaction): string {
  return createHash('sha256')
    .update(canonicalJson(asked as unknown as JsonValue))
    .digest('base64url');
}
