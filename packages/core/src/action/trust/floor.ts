// The floor: the lowest level of anything that has reached the task, or that the agent still remembers from another one. It only
// sinks (rules §3.3–3.5). What an agent remembers is its residue; how long, its operator has stated as `memory`.

import { type Level, lower } from './levels.ts';

/** Whether text outlives a task in an agent. `none`: not even the process. */
export type Memory = 'task' | 'none' | 'persistent';

/** Unstated is the worst, and nothing of risk 3 and above besides. */
export function memoryOf(stated: Memory | null): { readonly memory: Memory; readonly riskMax: number } {
  return stated === null ? { memory: 'persistent', riskMax: 2 } : { memory: stated, riskMax: 5 };
}

/** Only an agent that reads nothing past Writ starts clean. */
export function startLevel(inputs: 'gated' | 'open'): Level {
  return inputs === 'gated' ? 3 : 1;
}

/** At each take: the task is no cleaner than the agent that takes it on. */
export function floorAfterTake(floor: Level, taker: Level): Level {
  return lower(floor, taker);
}

/** Level per place of memory. An absent one has received nothing. */
export type Residues = ReadonlyMap<string, Level>;

export interface Remembering {
  readonly agent: string;
  readonly memory: Memory;
  readonly task: string;
  /** Names one run of the agent's process: its launch or its pidfd. */
  readonly process: string;
}

/** What the agent may still have in mind in this task. */
export function residueOf(residues: Residues, who: Remembering): Level {
  return residues.get(placeOf(who)) ?? 4;
}

/** Something of this level has reached it. */
export function withReceived(residues: Residues, who: Remembering, level: Level): Residues {
  const place = placeOf(who);
  return new Map(residues).set(place, lower(level, residues.get(place) ?? 4));
}

/** An admin has wiped the agent's memory and says so. Tasks and processes end by themselves. */
export function withForgotten(residues: Residues, agent: string): Residues {
  const next = new Map(residues);
  next.delete(persistentPlace(agent));
  return next;
}

/** The floor a call is judged with. */
export function floorUsed(task: Level, residue: Level): Level {
  return lower(task, residue);
}

function placeOf({ agent, memory, task, process }: Remembering): string {
  switch (memory) {
    case 'task':
      return `task\u0000${agent}\u0000${task}`;
    case 'none':
      return `process\u0000${agent}\u0000${process}`;
    case 'persistent':
      return persistentPlace(agent);
  }
}

function persistentPlace(agent: string): string {
  return `agent\u0000${agent}`;
}
