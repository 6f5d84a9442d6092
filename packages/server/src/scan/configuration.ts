// One configuration in the words of this room, whichever client wrote it: its servers with what they run, send and are given.
// Pure; what is a fault about them is decided by the rules.

import { leaves, type MapNode, member, type Node, positionsIn, textOf, valuesAt } from './document.ts';
import type { Place } from './finding.ts';
import type { Location } from './where.ts';

/** A text of the configuration with its place. */
export interface Word {
  readonly text: string;
  readonly place: Place;
}

export interface NamedWord extends Word {
  readonly name: string;
}

export interface ConfiguredServer {
  readonly client: string;
  readonly file: string;
  readonly name: string;
  /** Distinguishes servers of one name in one file. */
  readonly path: string;
  readonly place: Place;
  /** Program and arguments; empty for a server that is only a URL. */
  readonly command: readonly Word[];
  readonly env: readonly NamedWord[];
  readonly headers: readonly NamedWord[];
  readonly url: Word | null;
  readonly node: MapNode;
  placeOf(node: { readonly start: number; readonly end: number }): Place;
}

export interface Configuration {
  readonly client: string;
  readonly file: string;
  readonly text: string;
  readonly root: Node;
  readonly servers: readonly ConfiguredServer[];
  placeOf(node: { readonly start: number; readonly end: number }): Place;
}

export function placesIn(file: string, text: string): Configuration['placeOf'] {
  const positionOf = positionsIn(text);
  return ({ start, end }) => {
    const from = positionOf(start);
    const to = positionOf(end);
    return { file, ...from, endColumn: to.line === from.line ? to.column : null };
  };
}

export function configurationOf(file: string, location: Location, text: string, root: Node): Configuration {
  const placeOf = placesIn(file, text);
  const servers: ConfiguredServer[] = [];
  const seen = new Set<Node>();
  for (const path of location.servers) {
    for (const { names, value } of valuesAt(root, path)) {
      const steps = path.length === 0 ? [] : names;
      // A manifest of one server is the server itself.
      if (isServer(value) && path.at(-1) === 'mcp_config')
        servers.push(serverOf(steps.join('.'), value, { start: value.start, end: value.start + 1 }, steps.join('.')));
      if (value.kind !== 'map') continue;
      for (const { name, nameStart, value: entry } of value.members) {
        if (!isServer(entry) || seen.has(entry)) continue;
        seen.add(entry);
        servers.push(
          serverOf(name, entry, { start: nameStart, end: nameStart + name.length }, [...steps, name].join('.')),
        );
      }
    }
  }
  return { client: location.client, file, text, root, servers, placeOf };

  function serverOf(name: string, node: MapNode, at: { start: number; end: number }, path: string): ConfiguredServer {
    const word = (one: Node): Word[] =>
      one.kind === 'text' || one.kind === 'plain' ? [{ text: String(one.value), place: placeOf(one) }] : [];
    const named = (...names: string[]): NamedWord[] =>
      names.flatMap((key) => {
        const map = member(node, key);
        return map?.kind === 'map'
          ? map.members.flatMap(({ name, value }) => word(value).map((found) => ({ name, ...found })))
          : [];
      });
    const url = ['url', 'serverUrl', 'httpUrl', 'uri', 'endpoint'].map((key) => member(node, key)).find(textOf) ?? null;
    return {
      client: location.client,
      file,
      name,
      path,
      place: placeOf(at),
      command: commandWords(node).flatMap(word),
      env: [...named('env', 'environment'), ...settingsOf(node, word)],
      headers: [...named('headers', 'http_headers', 'httpHeaders'), ...headersOfRequest(node, word)],
      url: url === null ? null : word(url)[0]!,
      node,
      placeOf,
    };
  }
}

function isServer(node: Node): node is MapNode {
  return node.kind === 'map' && node.members.some(({ name, value }) => SERVER_KEYS.has(name) && value.kind !== 'plain');
}

const SERVER_KEYS = new Set(['command', 'url', 'serverUrl', 'httpUrl', 'uri', 'endpoint', 'settings']);

/** `command: "x", args: []`, `command: ["x", …]`, and Zed's `command: { path, args }`. */
function commandWords(node: Node): readonly Node[] {
  const command = member(node, 'command');
  const list = (found: Node | null): readonly Node[] => (found?.kind === 'list' ? found.items : []);
  if (command === null) return [];
  if (command.kind === 'list') return [...command.items, ...list(member(node, 'args'))];
  if (command.kind === 'map') {
    const path = member(command, 'path');
    return [...(path === null ? [] : [path]), ...list(member(command, 'args'))];
  }
  return [command, ...list(member(node, 'args'))];
}

/** Zed's extensions take what others take as environment: `settings: { github_personal_access_token: … }`. */
function settingsOf(node: Node, word: (node: Node) => Word[]): readonly NamedWord[] {
  const found = [member(node, 'settings'), member(member(node, 'command'), 'env')];
  return found.flatMap((map) =>
    map === null
      ? []
      : [...leaves(map)].flatMap(({ node: leaf, path }) => word(leaf).map((one) => ({ name: path.join('.'), ...one }))),
  );
}

function headersOfRequest(node: Node, word: (node: Node) => Word[]): readonly NamedWord[] {
  const headers = member(member(node, 'requestInit'), 'headers');
  return headers?.kind === 'map'
    ? headers.members.flatMap(({ name, value }) => word(value).map((one) => ({ name, ...one })))
    : [];
}
