// The plane as commands see it: where it is, who is asking, and its API (contract §5). Reads go through the local socket
// with the viewer token; everything else needs a person's session.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isJsonObject, type JsonObject, type JsonValue, utf8Text } from '@writ/core';
import * as yaml from 'yaml';
import { configFileName, DEFAULTS } from '../config/defaults.ts';
import { type Answer, type Ask, ask, saysOf } from './client.ts';
import { type Ready, readReady, readyFile } from './ready.ts';
import { readSession, type Session } from './sessions.ts';
import { refused, unreachable, usage } from './stop.ts';

export interface Whereabouts {
  readonly config?: string | undefined;
  readonly data?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

export interface Plane {
  /** `http://127.0.0.1:8420`, without a path. */
  readonly adminOrigin: string;
  /** Null when the plane was named by `WRIT_ADMIN` and its data folder is not at hand. */
  readonly ready: Ready | null;
  readonly session: Session | null;
  /** Status and decisions: the viewer's share, or the person's. Null body members stay. */
  read(path: string): Promise<JsonObject>;
  /** What needs a person. Throws a Stop that says how to sign in. */
  act(method: 'GET' | 'POST' | 'DELETE', path: string, body?: JsonValue): Promise<JsonObject>;
}

/** Finds the plane: `WRIT_ADMIN`, else the ready line in the data folder. Throws a Stop with exit code 3 when there is none. */
export function findPlane(where: Whereabouts): Plane {
  const ready = findReady(where);
  const named = where.env.WRIT_ADMIN;
  if (named === undefined && ready === null) {
    const file = readyFile(dataFolder(where));
    throw unreachable(
      `no plane is running here: \`${file}\` is missing; \`writ up\` starts one, \`--data\` or WRIT_ADMIN name one`,
    );
  }
  const adminOrigin = originOf(named ?? ready!.admin.url);
  const api = `${adminOrigin}/api/v1`;
  const session = readSession(where.env, adminOrigin, Date.now());
  const viewer = named === undefined ? viewerOf(ready!) : null;

  async function read(path: string): Promise<JsonObject> {
    if (session === null && viewer === null) throw signInFirst();
    // A person may see what the viewer sees, and from elsewhere too; the local socket is for when nobody is signed in.
    const door: Partial<Ask> = session === null ? viewer! : { bearer: session.session };
    return objectIn(await ask({ url: `${api}/${path}`, ...door }));
  }

  async function act(method: 'GET' | 'POST' | 'DELETE', path: string, body?: JsonValue): Promise<JsonObject> {
    if (session === null) throw signInFirst();
    const answer = await ask({
      url: `${api}/${path}`,
      method,
      bearer: session.session,
      ...(body === undefined ? {} : { body }),
    });
    return objectIn(answer);
  }

  return { adminOrigin, ready, session, read, act };
}

/** The ready line in the data folder, or null. */
export function findReady(where: Whereabouts): Ready | null {
  return readReady(dataFolder(where));
}

/** `--data`, else `WRIT_DATA`, else what the configuration says, else ./writ-data. */
export function dataFolder({ config, data, env }: Whereabouts): string {
  const named = data ?? env.WRIT_DATA;
  if (named) return resolve(named);
  const file = resolve(config ?? env.WRIT_CONFIG ?? configFileName);
  if (!existsSync(file)) {
    if (config !== undefined) throw usage(`\`${config}\` does not exist; name a configuration that does`);
    return resolve(DEFAULTS.dataDir);
  }
  // Only one key is of interest here, and a file that does not validate still says where its running plane keeps its data.
  const document = yaml.parseDocument(utf8Text(readFileSync(file)) ?? '', { logLevel: 'silent' });
  const written = yaml.isMap(document.contents) ? document.get('data') : undefined;
  return resolve(dirname(file), typeof written === 'string' ? written : DEFAULTS.dataDir);
}

export function originOf(url: string): string {
  if (!URL.canParse(url)) throw usage(`\`${url}\` is not a URL; that of a plane looks like \`http://127.0.0.1:8420\``);
  return new URL(url).origin;
}

function viewerOf(ready: Ready): Pick<Ask, 'socketPath' | 'bearer'> | null {
  const { socket, viewerTokenFile } = ready.admin;
  if (socket === null || viewerTokenFile === null) return null;
  return { socketPath: socket, bearer: readFileSync(viewerTokenFile, 'utf8').trim() };
}

function signInFirst() {
  return refused('nobody is signed in; `writ login` signs you in, or set WRIT_SESSION');
}

function objectIn(answer: Answer): JsonObject {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return isJsonObject(body) ? body : {};
  if (status === 401) throw refused(`${saysOf(answer)}; \`writ login\` signs you in again`);
  if (status >= 500) throw unreachable(saysOf(answer));
  throw refused(saysOf(answer));
}
