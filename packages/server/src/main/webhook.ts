// The webhook of questions over this plane's configuration and secrets; null where nobody wants to hear.

import { setTimeout as pause } from 'node:timers/promises';
import { createWebhook, type Webhook } from '../action/approvals/webhook.ts';
import { openWeb } from '../action/broker/web.ts';
import { createSecretSources } from '../action/secret-sources.ts';
import { openStoredCredentials } from './broker.ts';
import type { Ground, OnClose } from './ground.ts';

export async function openWebhook(
  { config, clock, report }: Ground,
  environment: { readonly [name: string]: string | undefined },
  onClose: OnClose,
): Promise<Webhook | null> {
  const { webhook } = config.approvals;
  if (webhook === null) return null;
  const sources = createSecretSources({
    ...{ environment, clock },
    stored: await openStoredCredentials(config.dataDir, clock),
  });
  const web = openWeb({ origins: new Set([new URL(webhook.url).origin]) });
  const stopped = new AbortController();
  onClose(async () => {
    stopped.abort();
    await web.close();
  });
  return createWebhook({
    ...{ url: webhook.url, showArguments: webhook.showArguments, web, report },
    async secret() {
      const found = await sources.read(webhook.secret);
      if ('says' in found) throw new Error(found.says);
      return found.value;
    },
    nowSeconds: () => clock.nowSeconds(),
    wait: (millis) => pause(millis, undefined, { signal: stopped.signal, ref: false }),
  });
}
