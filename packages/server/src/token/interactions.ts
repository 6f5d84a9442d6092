// The library's interactions as the people port sees them: what is asked, and three ways to end it.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Interaction, Interactions } from './people-port.ts';

type Details = Awaited<ReturnType<Provider['interactionDetails']>>;

export function createInteractions(provider: Provider): Interactions {
  async function details(req: IncomingMessage, res: ServerResponse): Promise<Details | null> {
    try {
      return await provider.interactionDetails(req, res);
    } catch (error) {
      if (error instanceof errors.SessionNotFound) return null;
      throw error;
    }
  }

  return {
    async read(req, res) {
      const found = await details(req, res);
      return found ? interactionOf(found, await clientName(provider, found)) : null;
    },

    async signIn(req, res, { user, authenticatedAtSeconds, methods }) {
      const login = { accountId: user, ts: authenticatedAtSeconds, amr: [...methods] };
      await provider.interactionFinished(req, res, { login }, { mergeWithLastSubmission: false });
    },

    async consent(req, res) {
      const { grantId, session, params, prompt } = await provider.interactionDetails(req, res);
      // Consent is given to what was asked of the person who is signed in, and to nothing else.
      if (prompt.name !== 'consent' || !session?.accountId)
        throw new Error('this interaction does not ask for consent');
      const held = grantId === undefined ? undefined : await provider.Grant.find(grantId);
      const grant = held ?? new provider.Grant({ accountId: session.accountId, clientId: String(params.client_id) });
      const wanted = prompt.details as { missingOIDCScope?: string[] };
      if (wanted.missingOIDCScope) grant.addOIDCScope(wanted.missingOIDCScope.join(' '));
      for (const { resource, scopes } of wantsOf(prompt.details)) grant.addResourceScope(resource, scopes.join(' '));
      await provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } });
    },

    async refuse(req, res) {
      const refusal = { error: 'access_denied', error_description: 'the person said no' };
      await provider.interactionFinished(req, res, refusal, { mergeWithLastSubmission: false });
    },
  };
}

function interactionOf({ uid, prompt, params, session }: Details, name: string): Interaction {
  return {
    uid,
    asks: prompt.name === 'login' ? 'login' : 'consent',
    client: { id: String(params.client_id), name },
    user: session?.accountId ?? null,
    wants: wantsOf(prompt.details),
  };
}

function wantsOf(details: unknown): Interaction['wants'] {
  const { missingResourceScopes = {} } = details as { missingResourceScopes?: { [resource: string]: string[] } };
  return Object.entries(missingResourceScopes).map(([resource, scopes]) => ({ resource, scopes }));
}

async function clientName(provider: Provider, { params }: Details): Promise<string> {
  const client = await provider.Client.find(String(params.client_id));
  return client?.clientName ?? String(params.client_id);
}
