// `/console/…`: which page, for whom. A browser without a session is sent to sign in; a form must come from the page it was on.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendOn, sendPage } from '../page.ts';
import { isForeign, isForUs, pathOf, readForm } from '../page-form.ts';
import type { Acts } from './acts.ts';
import { type Approvals, mayDecide } from './approvals.ts';
import { isRecent, type PersonCaller } from './caller.ts';
import type { Explain } from './explain.ts';
import { approvalsPage, decisionPage, decisionsPage, notePage, refusalPage } from './pages.ts';
import type { ConsoleDeps } from './ports.ts';

const rowsShown = 100;

const DECISION = /^\/console\/decisions\/([A-Za-z0-9_.~-]{1,256})$/;
const APPROVAL = /^\/console\/approvals\/([A-Za-z0-9_.~-]{1,256})$/;

const NOT_HERE = notePage('Not here', 'There is no such page.');
const FOREIGN = notePage('That did not work', 'This form was not sent by a page of this plane.');

export interface PageRooms {
  readonly acts: Acts;
  readonly approvals: Approvals;
  readonly explain: Explain;
}

export function createPageFront(deps: ConsoleDeps, { acts, approvals, explain }: PageRooms) {
  const { people, clock, issuer, decisions } = deps;

  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const origins = deps.origins();
    if (!isForUs(req, origins)) return sendPage(res, { ...NOT_HERE, status: 421 });
    const posted = req.method === 'POST';
    if (!posted && req.method !== 'GET' && req.method !== 'HEAD')
      return void res.writeHead(405, { Allow: 'GET, POST' }).end();
    if (posted && isForeign(req, origins)) return sendPage(res, { ...FOREIGN, status: 403 });
    const path = pathOf(req);
    const person = await personAt(req);
    if (!person) return sendOn(res, `/login?goTo=${encodeURIComponent(posted ? '/console/approvals' : path)}`);
    if (posted) return answer(req, res, person, APPROVAL.exec(path)?.[1]);
    return show(res, person, path);
  };

  async function show(res: ServerResponse, person: PersonCaller, path: string): Promise<void> {
    if (path === '/console' || path === '/console/') {
      return sendPage(res, decisionsPage(person.user, decisions.decisions({ limit: rowsShown })));
    }
    const decisionId = DECISION.exec(path)?.[1];
    if (decisionId !== undefined) {
      const decision = await explain(decisionId);
      if (!decision) return sendPage(res, { ...NOT_HERE, status: 404 });
      return sendPage(res, ('event' in decision ? refusalPage : decisionPage)(person.user, decision));
    }
    const approval = APPROVAL.exec(path)?.[1];
    if (path !== '/console/approvals' && approval === undefined) return sendPage(res, { ...NOT_HERE, status: 404 });
    return showApprovals(res, person, { only: approval ?? null, problem: null, status: 200 });
  }

  async function showApprovals(
    res: ServerResponse,
    person: PersonCaller,
    { only, problem, status }: { only: string | null; problem: string | null; status: number },
  ): Promise<void> {
    const waiting = (await approvals.waiting()).filter((one) => mayDecide(one, person, issuer));
    const page = approvalsPage({
      user: person.user,
      csrf: person.csrf ?? '',
      waiting: only === null ? waiting : waiting.filter(({ id }) => id === only),
      problem,
      decisionOf: (decision) => decisions.decision(decision),
      stale: !isRecent(person, clock.nowSeconds()),
    });
    sendPage(res, { ...page, status });
  }

  async function answer(req: IncomingMessage, res: ServerResponse, person: PersonCaller, id: string | undefined) {
    if (id === undefined) return sendPage(res, { ...NOT_HERE, status: 404 });
    const fields = await readForm(req);
    if (person.csrf === null || fields?.get('csrf') !== person.csrf) return sendPage(res, { ...FOREIGN, status: 403 });
    const verdict = fields.get('verdict');
    if (verdict !== 'approve' && verdict !== 'deny') return sendPage(res, { ...NOT_HERE, status: 400 });
    const endorse = verdict === 'approve' && fields.get('endorse') === 'yes' ? ({ endorse: true } as const) : {};
    const decided = await acts.decideApproval(person, id, { verdict, hash: fields.get('hash') ?? '', ...endorse });
    if (!decided.refused) return sendOn(res, '/console/approvals');
    return showApprovals(res, person, { only: null, problem: decided.description, status: decided.status });
  }

  /** Pages are for browsers, which have a cookie and nothing else. */
  async function personAt(req: IncomingMessage): Promise<PersonCaller | null> {
    const secret = people.secretOf(req);
    const found = secret === null ? null : await people.personOf(secret);
    if (!found) return null;
    const { sessionId: id, ...person } = found;
    return { kind: 'person', by: 'cookie', id, ...person };
  }
}
