// Where the plane is, from what the author handed in or from what the environment says. Reads one file at most.

import { readFile } from 'node:fs/promises';
import { type Plane, planeFromReady, planeFromVariables } from '../plane.ts';

type Environment = { readonly [name: string]: string | undefined };

/** `given` is a ready line as text or value, or a Plane. Rejects with a sentence that names the way out. */
export async function findPlane(given: unknown, env: Environment): Promise<Plane> {
  if (isPlane(given)) return given;
  if (given !== undefined) return planeFromReady(typeof given === 'string' ? parsed(given, 'the ready line') : given);
  if (env.WRIT_READY) return planeFromReady(parsed(await readFile(env.WRIT_READY, 'utf8'), `\`${env.WRIT_READY}\``));
  const plane = planeFromVariables(env);
  if (plane !== null) return plane;
  throw new Error(
    'no plane is named: set `WRIT_READY` to the `ready.json` in its data folder, or `WRIT_MTLS`, `WRIT_ISSUER` and `WRIT_GATEWAY_ID`',
  );
}

function isPlane(given: unknown): given is Plane {
  return typeof given === 'object' && given !== null && 'tokenUrl' in given && 'mtls' in given;
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${what} is not the JSON line that \`writ up --json\` prints`);
  }
}
