// Paths of the gateway listeners: which handler a request belongs to. Contract §5.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PeerOnWire } from '@writ/core';
import type { A2aHandler } from '../gateway/a2a/handler.ts';
import type { HttpHandler } from '../gateway/http/handler.ts';
import { answerJson } from '../gateway/http-io.ts';
import type { McpHandler } from '../gateway/mcp/handler.ts';
import type { Bases } from './standing.ts';

export interface GatewayRoutes {
  readonly mcp: McpHandler;
  readonly a2a: A2aHandler;
  readonly http: HttpHandler;
  readonly bases: Bases;
  /** OAuth paths on the `mtls` listener; false: not one of them. */
  oauth(req: IncomingMessage, res: ServerResponse, peer: PeerOnWire): Promise<boolean>;
  /** Other gateways that ask for decisions, on the `mtls` listener; false: not one of its paths. */
  decisionPoint(req: IncomingMessage, res: ServerResponse, peer: PeerOnWire): Promise<boolean>;
  resourceMetadata(res: ServerResponse, url: string): void;
  report(what: string, error: unknown): void;
}

const MCP = /^\/mcp\/([A-Za-z0-9_-]+)$/;
const A2A = /^\/a2a\/([A-Za-z0-9_-]+\/[A-Za-z0-9_-]+)(?:\/(?:\.well-known\/agent-card\.json)?)?$/;
/** The rest is taken as it came: what it means is found by whoever matches it. */
const HTTP = /^\/http\/([A-Za-z0-9_-]+)((?:[/?].*)?)$/s;
const PRM = /^\/\.well-known\/oauth-protected-resource\/(mcp|a2a|http)\/([A-Za-z0-9_/-]+)$/;

/** Never rejects: what fails is reported and answered. */
export function gatewayHandler(routes: GatewayRoutes) {
  return (req: IncomingMessage, res: ServerResponse, peer: PeerOnWire): void => {
    route(routes, req, res, peer).catch((error: unknown) => {
      routes.report(`${req.method} request`, error);
      if (res.headersSent) res.destroy();
      else answerJson(res, 500, { error: 'server_error' });
    });
  };
}

async function route(
  routes: GatewayRoutes,
  req: IncomingMessage,
  res: ServerResponse,
  peer: PeerOnWire,
): Promise<void> {
  const path = (req.url ?? '/').split('?', 1)[0]!;
  const base = peer.listener === 'oauth' ? routes.bases.oauth : routes.bases.mtls;
  const server = MCP.exec(path)?.[1];
  if (server) return routes.mcp.handle(req, res, peer, server);
  const agent = A2A.exec(path)?.[1];
  if (agent) {
    const url = `${base}/a2a/${agent}`;
    return routes.a2a(req, res, {
      peer,
      agent,
      url,
      resourceMetadata: `${base}/.well-known/oauth-protected-resource/a2a/${agent}`,
    });
  }
  const http = HTTP.exec(req.url ?? '/');
  if (http) {
    const [, key, below] = http as unknown as [string, string, string];
    const resourceMetadata = `${base}/.well-known/oauth-protected-resource/http/${key}`;
    return routes.http(req, res, { peer, server: key, below, base, url: `${base}/http/${key}`, resourceMetadata });
  }
  const metadata = PRM.exec(path);
  if (metadata?.[1] === 'mcp') return routes.mcp.metadata(req, res, peer, metadata[2]!);
  if (metadata) return routes.resourceMetadata(res, `${base}/${metadata[1]}/${metadata[2]}`);
  if (peer.listener !== 'oauth' && (await routes.oauth(req, res, peer))) return;
  if (peer.listener !== 'oauth' && (await routes.decisionPoint(req, res, peer))) return;
  answerJson(res, 404, { error: 'not_found' });
}
