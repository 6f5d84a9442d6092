// The console, wired: API and pages behind one door that main mounts on the admin address and on the local socket.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { sendPage } from '../page.ts';
import { pathOf } from '../page-form.ts';
import { createActs } from './acts.ts';
import { createApi } from './api.ts';
import { createApprovals } from './approvals.ts';
import { createFindCaller, type Via } from './caller.ts';
import { createExplain } from './explain.ts';
import { createPageFront } from './page-front.ts';
import { notePage } from './pages.ts';
import type { ConsoleDeps } from './ports.ts';

export interface Console {
  /** False: not one of its paths, and nothing was answered. */
  handle(req: IncomingMessage, res: ServerResponse, via: Via): Promise<boolean>;
}

export function createConsole(deps: ConsoleDeps): Console {
  const approvals = createApprovals(deps.store);
  const acts = createActs(deps, approvals);
  const explain = createExplain(deps);
  const api = createApi(deps, { findCaller: createFindCaller(deps), acts, approvals, explain });
  const listener = (via: Via) =>
    getRequestListener((request, env) => api.fetch(request, { incoming: env.incoming as IncomingMessage, via }), {
      overrideGlobalObjects: false,
      // Over a socket there is no name to be reached by, and a missing Host is no reason to fail.
      hostname: 'localhost',
    });
  const listeners = { tcp: listener('tcp'), socket: listener('socket') };
  const pages = createPageFront(deps, { acts, approvals, explain });

  return {
    async handle(req, res, via) {
      const path = pathOf(req);
      if (path.startsWith('/api/v1/')) {
        await listeners[via](req, res);
        return true;
      }
      // The socket has no pages: what is read there is for programs.
      if (via === 'socket' || (path !== '/console' && !path.startsWith('/console/'))) return false;
      try {
        await pages(req, res);
      } catch (error) {
        deps.report(`${req.method} ${path}`, error);
        if (res.headersSent) res.destroy();
        else sendPage(res, { ...notePage('That did not work', 'Something failed on our side.'), status: 503 });
      }
      return true;
    },
  };
}
