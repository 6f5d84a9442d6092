// `writ envoy config AGENT`: what an Envoy in front of that agent is started with. It meets callers by the agent's edges; tokens and
// actions are not judged there.

import { parseAddress } from '../config/work-out.ts';
import { envoyBootstrap } from './envoy-bootstrap.ts';
import { configOf } from './offline-plane.ts';
import { findReady } from './plane.ts';
import { unreachable, usage } from './stop.ts';
import { planeOptions, type VerbGroup, verb } from './verb.ts';

const addressForm = /^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}$/;

const config = verb({
  summary: 'print the bootstrap of an Envoy that speaks mutual TLS for an agent',
  options: {
    agent: { type: 'positional', description: 'agent key, such as `db/agent`' },
    listen: { type: 'string', valueHint: 'address', description: 'where callers reach it', default: '0.0.0.0:8443' },
    app: { type: 'string', valueHint: 'address', description: 'where the agent takes plain HTTP, on loopback' },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const { agents, trustDomain } = configOf({ config: args.config, env: channels.env });
    const found = agents.get(args.agent);
    if (!found) throw usage(`\`${args.agent}\` is no agent of this configuration`);
    const app = args.app ?? (found.a2a?.startsWith('http://') ? new URL(found.a2a).host : undefined);
    if (app === undefined) throw usage('`--app` is missing: where the agent takes plain HTTP');
    for (const address of [args.listen, app])
      if (!addressForm.test(address)) throw usage(`\`${address}\` is not an address such as \`127.0.0.1:8080\``);
    const callers = [...agents].filter(([, { calls }]) => calls.includes(args.agent)).map(([name]) => name);
    if (callers.length === 0) throw usage(`nobody may call \`${args.agent}\`: no \`calls\` names it`);
    const endpoint = findReady({ ...args, env: channels.env })?.workloadApi;
    if (!endpoint?.startsWith('unix://'))
      throw unreachable('no plane is running here whose Workload API an Envoy could ask');
    const bootstrap = envoyBootstrap({
      socketPath: endpoint.slice('unix://'.length),
      agent: args.agent,
      listen: parseAddress(args.listen),
      app: parseAddress(app),
      callers: callers.map((name) => `spiffe://${trustDomain}/${name}`),
    });
    terminal.note('this Envoy checks who calls; tokens and actions are judged by the gateway alone');
    terminal.answer(bootstrap, () => JSON.stringify(bootstrap, null, 2));
    return 0;
  },
});

const group: VerbGroup = { summary: 'Envoy: the bootstrap of one in front of an agent', verbs: { config } };
export default group;
