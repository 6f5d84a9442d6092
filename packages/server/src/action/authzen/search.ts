// AuthZEN search (§8): who could do this, with what, and which actions there are. For admins alone (rules §7.5). An answer is what edges,
// scopes and policy leave open for some arguments; it permits nothing, because a decision takes a token and the arguments themselves.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { digestOf } from '../digest.ts';
import { type Malformed, memberFault } from './request.ts';
import { ACTIONS, type Operation, operationOf } from './to-call.ts';

export type SearchKind = 'subject' | 'resource' | 'action';

export interface SearchPorts {
  /** Ids of that type, in the order they are told: people by name, agents by SPIFFE ID, tools as `server/tool`. */
  subjects(type: string): readonly string[];
  resources(type: string): readonly string[];
  /** Is there an edge, a scope and a policy that leave this open? */
  couldDo(subject: Named, operation: Operation): boolean;
}

interface Named {
  readonly type: string;
  readonly id: string;
}

interface Search {
  readonly subject: Named;
  readonly resource: Named;
  readonly action: string;
  readonly limit: number;
  readonly offset: number;
  /** Names this search: a page belongs to it and to no other. */
  readonly digest: string;
}

const pageMax = 100;

/** The answer's body, or a sentence for whoever wrote the request. */
export function search(
  kind: SearchKind,
  body: JsonValue,
  ports: SearchPorts,
): { readonly json: JsonObject } | Malformed {
  const asked = readSearch(kind, body);
  if ('malformed' in asked) return asked;
  const found = candidatesOf(kind, asked, ports).filter(({ subject, resource, action }) => {
    const operation = operationOf({ resource, action: { name: action } });
    return operation !== null && ports.couldDo(subject, operation);
  });
  const end = asked.offset + asked.limit;
  const results = found.slice(asked.offset, end).map((one) => (kind === 'action' ? { name: one.action } : one[kind]));
  const next = end < found.length ? `${asked.digest}.${end}` : '';
  return { json: { results, page: { next_token: next, count: results.length, total: found.length } } as JsonObject };
}

interface Candidate {
  readonly subject: Named;
  readonly resource: Named;
  readonly action: string;
}

function candidatesOf(
  kind: SearchKind,
  { subject, resource, action }: Search,
  ports: SearchPorts,
): readonly Candidate[] {
  switch (kind) {
    case 'subject':
      return ports.subjects(subject.type).map((id) => ({ subject: { type: subject.type, id }, resource, action }));
    case 'resource':
      return ports.resources(resource.type).map((id) => ({ subject, resource: { type: resource.type, id }, action }));
    case 'action':
      return [...new Set(Object.values(ACTIONS))].map((name) => ({ subject, resource, action: name }));
  }
}

/** What is searched for has no id; whatever stands there is ignored (§8.4). */
function readSearch(kind: SearchKind, body: JsonValue): Search | Malformed {
  if (!isJsonObject(body)) return { malformed: 'the body is no JSON object' };
  const malformed =
    memberFault(body, 'subject', 'type') ??
    (kind === 'subject' ? null : memberFault(body, 'subject', 'id')) ??
    memberFault(body, 'resource', 'type') ??
    (kind === 'resource' ? null : memberFault(body, 'resource', 'id')) ??
    (kind === 'action' ? null : memberFault(body, 'action', 'name'));
  if (malformed !== null) return { malformed };
  const named = (value: JsonValue | undefined): Named => {
    const { type, id } = value as { readonly type: string; readonly id?: string };
    return { type, id: id ?? '' };
  };
  const [subject, resource] = [named(body.subject), named(body.resource)];
  const action = kind === 'action' ? '' : ((body.action as JsonObject).name as string);
  const digest = digestOf([
    kind,
    subject.type,
    kind === 'subject' ? '' : subject.id,
    resource.type,
    resource.id,
    action,
  ]);
  const page = readPage(body.page, digest);
  return 'malformed' in page ? page : { subject, resource, action, digest, ...page };
}

function readPage(page: JsonValue | undefined, digest: string): { readonly limit: number; offset: number } | Malformed {
  if (page === undefined || page === null) return { limit: pageMax, offset: 0 };
  if (!isJsonObject(page)) return { malformed: '`page` is no JSON object' };
  const { limit = pageMax, token = '' } = page;
  if (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 1) {
    return { malformed: '`page.limit` is no whole number from 1' };
  }
  if (typeof token !== 'string') return { malformed: '`page.token` is no text' };
  const [of, offset = '', ...more] = token.split('.');
  if (token !== '' && (of !== digest || !/^[0-9]{1,9}$/.test(offset) || more.length > 0)) {
    return { malformed: '`page.token` is not of this search' };
  }
  return { limit: Math.min(limit, pageMax), offset: token === '' ? 0 : Number(offset) };
}
