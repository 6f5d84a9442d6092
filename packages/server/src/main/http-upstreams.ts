// HTTP upstreams of the configuration: each with its OpenAPI document, read again whenever it is asked what it offers, and with its
// credential from the broker.

import { readFile } from 'node:fs/promises';
import { readApiDocument } from '../action/openapi/read-document.ts';
import { readListing, type ServerListing } from '../action/pins.ts';
import type { Config } from '../config/config.ts';
import type { Breaker } from '../gateway/breaker.ts';
import { UpstreamError } from '../gateway/exchange.ts';
import type { Api, Layout } from '../gateway/http/api.ts';
import { createHttpUpstream, type HttpUpstream, type HttpUpstreamOptions } from '../gateway/http/upstream.ts';

export interface HttpUpstreams {
  readonly byServer: ReadonlyMap<string, HttpUpstream>;
  /** Null: not one of these. Rejects with UpstreamError when the document cannot be used; the last one that could is kept. */
  list(server: string): Promise<ServerListing> | null;
  /** Pin of an operation as the document had it when the layout was read; undefined for what cannot be pinned. */
  digestOf(layout: Layout): string | undefined;
  close(): Promise<void>;
}

export interface HttpUpstreamsDeps {
  readonly config: Config;
  readonly credentialFor: HttpUpstreamOptions['credentialFor'];
  /** Trace headers of the call under way. */
  traceHeaders(): { readonly [name: string]: string };
  breakerFor(callee: string): Breaker;
  say(sentence: string): void;
}

export function openHttpUpstreams(deps: HttpUpstreamsDeps): HttpUpstreams {
  const { config, credentialFor, traceHeaders, breakerFor, say } = deps;
  const digests = new WeakMap<Layout, string>();
  const apis = new Map<string, Api>();
  const lastSaid = new Map<string, string>();
  const files = new Map<string, string>();
  const byServer = new Map<string, HttpUpstream>();
  for (const [server, { http }] of config.servers) {
    if (http === null) continue;
    files.set(server, http.openapiFile);
    const api = () => apis.get(server) ?? null;
    const upstream = createHttpUpstream({ server, url: http.url, api, credentialFor, traceHeaders });
    const { guard } = breakerFor(server);
    const send: HttpUpstream['send'] = (request, behalf, signal) =>
      guard(() => upstream.send(request, behalf, signal), signal);
    byServer.set(server, { ...upstream, send });
  }

  async function list(server: string, file: string): Promise<ServerListing> {
    const text = await readFile(file, 'utf8').catch((error: Error) => {
      throw new UpstreamError(`its OpenAPI document cannot be read: ${error.message}`);
    });
    const document = readApiDocument(text);
    if ('says' in document) throw new UpstreamError(`\`${file}\` is not used: ${document.says}`);
    const listing: ServerListing = {
      instructions: null,
      tools: document.definitions,
      prompts: [],
      resourceTemplates: [],
      resources: false,
    };
    const pinned = new Map(readListing(listing).listed.map(({ name, digest }) => [name, digest]));
    for (const { operations } of document.paths) {
      for (const layout of operations.values()) {
        const digest = pinned.get(layout.name);
        if (digest !== undefined) digests.set(layout, digest);
      }
    }
    apis.set(server, document);
    const left = document.refused.map(({ name, says }) => `${name}: ${says}`).join('; ');
    // Read again every minute, and said again only when it is something else.
    if (left !== '' && lastSaid.get(server) !== left) say(`\`${server}\` does not offer ${left}`);
    lastSaid.set(server, left);
    return listing;
  }

  return {
    byServer,
    list(server) {
      const file = files.get(server);
      return file === undefined ? null : list(server, file);
    },
    digestOf: (layout) => digests.get(layout),
    async close() {
      await Promise.all([...byServer.values()].map((upstream) => upstream.close()));
    },
  };
}
