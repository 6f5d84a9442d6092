// `writ run --agent ID -- CMD…`: starts a program as an agent. The plane decides whether it may be; the program finds its
// identity, its gateway and its task in the environment.

import { planeFromReady } from '@writ/agent';
import { isJsonObject } from '@writ/core';
import * as http from '../gateway/http-io.ts';
import { openSidecar, type Sidecar } from '../sidecar/sidecar.ts';
import type { LaunchCredential } from '../transport/launch-protocol.ts';
import { runLaunched } from '../transport/launch-run.ts';
import { statOf } from '../transport/observe.ts';
import { findPlane, type Plane } from './plane.ts';
import { readyFile } from './ready.ts';
import { refused, unreachable, usage } from './stop.ts';
import { planeOptions, verb } from './verb.ts';

export default verb({
  summary: 'start a program as an agent: writ run --agent ID -- CMD…',
  options: {
    agent: { type: 'string', required: true, valueHint: 'agent', description: 'agent it is to be' },
    task: { type: 'string', valueHint: 'id', description: 'task it works on' },
    prompt: {
      type: 'string',
      valueHint: 'text',
      description: 'open a task with this prompt, and end it with the program',
    },
    ...planeOptions,
  },
  async run({ args, rest, terminal, channels }) {
    const [program, ...words] = rest;
    if (program === undefined)
      throw usage('the program is missing; write it after `--`: `writ run --agent ID -- python agent.py`');
    if (args.task !== undefined && args.prompt !== undefined) throw usage('`--task` and `--prompt` exclude each other');
    const plane = findPlane({ ...args, env: channels.env });
    const { dataDir, launch } = plane.ready?.line ?? {};
    if (typeof dataDir !== 'string' || typeof launch !== 'string')
      throw unreachable('a program is launched on the machine of its plane; run this there, without WRIT_ADMIN');
    const opened = await taskFor(plane, args.agent, args.task, args.prompt);
    const task = opened?.task ?? args.task ?? null;
    if (task === null)
      terminal.note(
        `writ: ${args.agent} has no task, so its calls are refused token.missing; \`--prompt\` opens one for you`,
      );
    const say = (says: string) => terminal.note(`writ: ${says}`);
    let sidecar: Sidecar | null = null;
    try {
      sidecar = await openSidecar({ plane: planeFromReady(plane.ready!.line), task, http, statOf, say });
      const result = await runLaunched({
        launchSocket: launch,
        agent: args.agent,
        command: [program, ...words],
        credential: credentialOf(plane, channels.env),
        environment: withoutCredentials(channels.env),
        planeEnvironment: environmentOf(plane, sidecar, task, dataDir),
        openSidecar: sidecar.start,
        onNotice: say,
      });
      if (result.ok) return result.exitCode;
      throw { refused, unreachable, command: usage }[result.why](result.says);
    } finally {
      await sidecar?.close();
      // The work is over with the program; what is left of its authority ends here.
      if (opened !== null)
        await plane
          .act('DELETE', `tasks/${encodeURIComponent(opened.task)}`)
          .catch((error: Error) => terminal.note(`writ: the task stays open until its end: ${error.message}`));
    }
  },
});

/** A launch token is for process managers: good for this agent, uid and command alone. Rules §1.1. */
function credentialOf(plane: Plane, env: NodeJS.ProcessEnv): LaunchCredential {
  if (env.WRIT_LAUNCH_TOKEN) return { launchToken: env.WRIT_LAUNCH_TOKEN };
  if (plane.session !== null) return { session: plane.session.session };
  throw refused('launching needs a person: `writ login` signs you in, or set WRIT_LAUNCH_TOKEN');
}

/** The program is to be the agent, not the person who started it: nothing it inherits lets it act as them. */
export function withoutCredentials(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { WRIT_SESSION: _person, WRIT_LAUNCH_TOKEN: _launch, WRIT_ADMIN: _admin, ...inherited } = env;
  return inherited;
}

/** Contract §2: `--prompt` opens a task with it; a person without one gets a task without prompt; else there is none. */
async function taskFor(
  plane: Plane,
  agent: string,
  task: string | undefined,
  prompt: string | undefined,
): Promise<{ readonly task: string } | null> {
  if (task !== undefined || plane.session === null) return null;
  const answer = await plane.act('POST', 'tasks', { agent, ...(prompt === undefined ? {} : { prompt }) });
  if (typeof answer.task !== 'string') throw unreachable('the plane did not name the task it opened');
  return { task: answer.task };
}

function environmentOf(plane: Plane, sidecar: Sidecar, task: string | null, dataDir: string): Record<string, string> {
  const { gateway, gatewayId, workloadApi, issuer } = plane.ready!.line;
  const found = {
    SPIFFE_ENDPOINT_SOCKET: workloadApi,
    WRIT_SIDECAR: sidecar.url,
    WRIT_TASK: task,
    WRIT_READY: readyFile(dataDir),
    WRIT_MTLS: isJsonObject(gateway) ? gateway.mtls : null,
    WRIT_ISSUER: issuer,
    WRIT_GATEWAY_ID: gatewayId,
  };
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
