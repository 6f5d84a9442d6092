// The admin address: the issuer's own paths, the people's pages and API, the log as files, and whether the plane is well.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthzenServer } from '../action/authzen-server.ts';
import type { AuditLog } from '../audit/log.ts';
import { serveLog } from '../audit/serve-log.ts';
import { answerJson } from '../gateway/http-io.ts';
import type { Store } from '../store/store.ts';
import type { AuthorizationServer } from '../token/front.ts';
import type { Modes } from './modes.ts';

/** Pages and API for people; false: not one of its paths. */
export interface ConsoleDoor {
  handle(req: IncomingMessage, res: ServerResponse, via: 'tcp' | 'socket'): Promise<boolean>;
}

export interface AdminDeps {
  readonly authorization: AuthorizationServer;
  readonly console: ConsoleDoor;
  /** Other gateways that ask for decisions. */
  readonly decisionPoint: AuthzenServer;
  readonly auditDir: string;
  readonly log: AuditLog;
  readonly store: Store;
  readonly modes: Modes;
  report(what: string, error: unknown): void;
}

const skewMillisMax = 1000;

export function adminHandler(deps: AdminDeps) {
  const logFiles = serveLog(deps.auditDir);
  const route = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const path = (req.url ?? '/').split('?', 1)[0]!;
    if (path === '/healthz') return answerJson(res, 200, { ok: true });
    if (path === '/readyz') return answerReady(res, deps);
    if (path.startsWith('/log/') && (req.method === 'GET' || req.method === 'HEAD')) {
      const { status, headers, body } = await logFiles(path.slice('/log'.length));
      res.writeHead(status, { ...headers, 'content-length': String(body.length) });
      res.end(req.method === 'HEAD' ? undefined : body);
      return;
    }
    if (await deps.decisionPoint(req, res, null)) return;
    if (await deps.console.handle(req, res, 'tcp')) return;
    if (await deps.authorization.handle(req, res)) return;
    answerJson(res, 404, { error: 'not_found' });
  };
  return (req: IncomingMessage, res: ServerResponse): void => {
    route(req, res).catch((error: unknown) => {
      deps.report(`${req.method} on the admin address`, error);
      if (res.headersSent) res.destroy();
      else answerJson(res, 500, { error: 'server_error' });
    });
  };
}

/** Ready means: calls can be judged, claimed and recorded. A replica off the store's clock is not ready (rules §6). */
async function answerReady(res: ServerResponse, { log, store, authorization, modes }: AdminDeps): Promise<void> {
  const health = await store.health();
  const problems = [
    ...(log.failure() ? ['the audit log cannot be written'] : []),
    ...(health.reachable ? [] : ['the store cannot be reached']),
    ...(health.reachable && Math.abs(health.skewMillis) > skewMillisMax
      ? ['the clock is off the store’s by more than a second']
      : []),
    ...(authorization.revocations.view().fresh ? [] : ['revocations are not fresh']),
  ];
  answerJson(res, problems.length === 0 ? 200 : 503, { ready: problems.length === 0, problems, ...modes.overview() });
}
