// Is there an A2A agent, what does its card say, and does it answer strangers? The card is public by design; whether the agent is, a
// question for a task that does not exist tells without doing anything. A2A 1.0 §4 and §5; 0.3 cards are read as well.

import { isJsonObject, type JsonObject } from '@writ/core';
import type { Ask } from './ask.ts';
import { hostKind } from './hosts.ts';
import { parseJson, rpcAnswerIn, rpcRequest } from './rpc.ts';
import type { A2aSeen, Endpoint } from './seen.ts';

/** The words of A2A that the gateway's folder owns, and a task id that nobody has. */
export interface A2aWords {
  readonly version: string;
  readonly taskNotFound: number;
  /** JSON-RPC's; a server that has no such method let the caller in all the same. */
  readonly methodNotFound: number;
  readonly unknownTask: string;
}

interface Interface {
  readonly url: string;
  readonly binding: string;
  readonly version: string;
}

/** Null: there is no card. */
export async function probeA2a(endpoint: Endpoint, ask: Ask, words: A2aWords): Promise<A2aSeen | null> {
  const found = await askCard(endpoint, ask, words);
  if (found === null) return null;
  const { card, cardUrl } = found;
  const interfaces = interfacesOf(card);
  const seen = (result: A2aSeen['result'], detail: string): A2aSeen => ({
    protocol: 'a2a',
    endpoint,
    result,
    detail,
    cardUrl,
    card,
    interfaces: interfaces.map(({ url, binding }) => ({ url, binding })),
  });
  const asked = interfaces.find((one) => one.binding !== 'GRPC' && mayAsk(one.url, cardUrl));
  if (asked === undefined) return seen('unreachable', 'has a card whose interfaces are not to be asked from here');
  return askTask(asked, ask, words, seen);
}

async function askCard(
  { url }: Endpoint,
  ask: Ask,
  words: A2aWords,
): Promise<{ card: JsonObject; cardUrl: string } | null> {
  const { origin, pathname } = new URL(url);
  const base = pathname.replace(/\/\.well-known\/.*$/, '').replace(/\/$/, '');
  const places = ['agent-card.json', 'agent.json'].flatMap((name) => [
    `${origin}${base}/.well-known/${name}`,
    `${origin}/.well-known/${name}`,
  ]);
  const first = /\.json$/.test(pathname) ? [`${origin}${pathname}`] : [];
  for (const cardUrl of new Set([...first, ...places])) {
    const answer = await ask({
      method: 'GET',
      url: cardUrl,
      headers: { Accept: 'application/json', 'A2A-Version': words.version },
    });
    if (answer.kind === 'silence') return null;
    const card = answer.status === 200 ? parseJson(answer.text) : undefined;
    if (
      isJsonObject(card) &&
      typeof card.name === 'string' &&
      (Array.isArray(card.skills) || interfacesOf(card).length > 0)
    )
      return { card, cardUrl };
  }
  return null;
}

function interfacesOf(card: JsonObject): readonly Interface[] {
  const read = (value: unknown, binding: string, version: string): readonly Interface[] => {
    if (!isJsonObject(value) || typeof value.url !== 'string' || !URL.canParse(value.url)) return [];
    const { url, protocolBinding, transport, protocolVersion } = value;
    return [
      { url, binding: String(protocolBinding ?? transport ?? binding), version: String(protocolVersion ?? version) },
    ];
  };
  const listOf = (value: unknown) => (Array.isArray(value) ? value : []);
  if (Array.isArray(card.supportedInterfaces))
    return card.supportedInterfaces.flatMap((one) => read(one, 'JSONRPC', '1.0'));
  return [
    ...read(card, String(card.preferredTransport ?? 'JSONRPC'), '0.3'),
    ...listOf(card.additionalInterfaces).flatMap((one) => read(one, 'JSONRPC', '0.3')),
  ];
}

/** The host that was asked for the card, or this machine. */
function mayAsk(url: string, cardUrl: string): boolean {
  const { hostname, protocol } = new URL(url);
  return /^https?:$/.test(protocol) && (hostname === new URL(cardUrl).hostname || hostKind(hostname) === 'loopback');
}

async function askTask(
  to: Interface,
  ask: Ask,
  words: A2aWords,
  seen: (result: A2aSeen['result'], detail: string) => A2aSeen,
): Promise<A2aSeen> {
  const isOld = to.version.startsWith('0.');
  const method = isOld ? 'tasks/get' : 'GetTask';
  const version: Readonly<Record<string, string>> = isOld ? {} : { 'A2A-Version': words.version };
  const isRest = to.binding === 'HTTP+JSON';
  const answer = isRest
    ? await ask({
        method: 'GET',
        url: `${to.url.replace(/\/$/, '')}/tasks/${words.unknownTask}`,
        headers: { Accept: 'application/json', ...version },
      })
    : await ask({
        method: 'POST',
        url: to.url,
        headers: { Accept: 'application/json', 'Content-Type': 'application/json', ...version },
        body: rpcRequest(method, { id: words.unknownTask }),
      });
  if (answer.kind === 'silence') return seen('unreachable', `has a card, and behind it ${answer.why}`);
  if (answer.status === 401 || answer.status === 403)
    return seen('protected', `answers ${answer.status} without a credential`);
  const said = rpcAnswerIn(answer.text);
  const isOpen = isRest
    ? answer.status === 404 && isNotFound(parseJson(answer.text))
    : said.kind === 'error' && (said.code === words.taskNotFound || said.code === words.methodNotFound);
  if (isOpen || said.kind === 'result')
    return seen('open', `answers \`${isRest ? 'GET tasks/ID' : method}\` without a credential`);
  return seen('unreachable', `has a card and answers ${answer.status}, which tells nothing`);
}

/** A REST error of A2A has a body that says so; a plain 404 may come from any server. */
function isNotFound(body: unknown): boolean {
  return isJsonObject(body) && ('error' in body || 'type' in body || body.code === 'TASK_NOT_FOUND');
}
