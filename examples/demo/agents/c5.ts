// spiffe://zylos.local/scheduler/c5 — may call the orchestrator and nothing else; tries the reader all the same.

import type { Token } from '@writ/agent';
import { connect } from '@writ/agent/node';
import { attempt, tell } from './steps.ts';

const agent = await connect();
tell({ ready: agent.id });
// No edge and no task: it has nothing to show but its certificate.
const nothing = {
  token: 'none',
  audience: agent.url('db/reader'),
  scopes: [],
  expiresAt: 0,
  chain: [],
} as unknown as Token;
const reader = agent.a2a('db/reader', { token: nothing });
tell(await attempt('reach', () => reader.sendMessage('are you there?')));
await agent.close();
