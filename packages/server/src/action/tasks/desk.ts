// What the plane knows of its tasks while they run (rules §3): the gate asks it how far an argument is to be trusted, tells it what
// leaves, and shows it every output before the caller gets the first byte of it. Evidence lives in memory, at most so much of it;
// floors, residues and what left live in the store.

import {
  type Call,
  type Definition,
  echoesOf,
  factsOfNothing,
  type JsonValue,
  type Level,
  lower,
  type Memory,
  type OutputRule,
  observe,
  type Principal,
  returnedBy,
  type SentValue,
  startEvidence,
  startLevel,
  type TaskWorld,
  type TokenFacts,
  type TrustAnswer,
  withFields,
} from '@writ/core';
import type { Store } from '../../store/store.ts';
import { openEchoes } from './echoes.ts';
import { type Endorsement, openEndorsements } from './endorsements.ts';
import { judgeInTask, type TrustRule } from './judge-in-task.ts';
import { type KnownTask, readTask, storedFloor, storeFloor } from './known-task.ts';
import { openResidues } from './residues.ts';

export interface TaskDesk extends TaskWorld {
  /**
   * Null when everything about the task is at hand. Else resolves once it is: true when the call has to be judged again.
   * Rejects when the store cannot be asked.
   */
  fetch(token: TokenFacts): Promise<boolean> | null;
  /** An allowed action is about to leave. Resolves when what it carries would be remembered after a crash, too. */
  leaving(call: Call, token: TokenFacts): Promise<void>;
  /** An output is about to be released to the caller. Rejects when the floor cannot be stored: then nothing may be released. */
  released(output: Released): Promise<void>;
  /** A text that was kept back is about to be judged as an argument; see the gateway's port. False: it does not fit. */
  recalls(held: Recalled): boolean;
  /** A message of the caller reaches an agent of the plane, which may remember it. */
  reaches(agent: string, token: TokenFacts): Promise<void>;
  /** Highest level that text written by this actor in this task may have: what it has read, here and elsewhere. */
  floorOf(task: string, actorKey: string): Level;
  /** The task is over; nobody asks about it again. */
  ended(task: string): void;
  /** A person vouches for values in their task (rules §4.3). Resolves once it is stored; counts from then on. */
  endorse(endorsement: Endorsement): Promise<void>;
  /** An admin has wiped an agent's memory. */
  forget(agent: string): Promise<void>;
  /** What is held in memory: UTF-16 units of evidence, the tasks it is about, and values that went out to tools. */
  size(): { readonly evidenceChars: number; readonly tasks: number; readonly echoes: number };
}

export interface Released {
  readonly token: TokenFacts;
  readonly decision: string;
  readonly server: string;
  readonly parts: readonly OutputPart[];
}

/** A text that stood behind a reference. */
export interface Recalled {
  readonly token: TokenFacts;
  readonly decision: string;
  readonly server: string;
  readonly text: string;
  readonly level: Level;
  readonly secret: boolean;
}

/** A piece of an answer and the rules that label it; without any it is text from outside. */
export interface OutputPart {
  readonly value: JsonValue;
  readonly rules: readonly OutputRule[];
}

export interface TaskDeskDeps {
  readonly store: Pick<Store, 'db' | 'kind'>;
  readonly clock: { nowSeconds(): number };
  readonly echoKey: string;
  memoryOf(actorKey: string): Memory | null;
  inputsOf(actorKey: string): 'gated' | 'open';
  /** Addresses, accounts and names that the plane has registered for a person. */
  addressesOf(root: Principal): readonly string[];
  readonly rule: TrustRule;
  /** UTF-16 units of evidence kept for all tasks together. */
  readonly charsMax?: number;
}

export async function openTaskDesk(deps: TaskDeskDeps): Promise<TaskDesk> {
  const { db, kind } = deps.store;
  const { charsMax = 64 * 1024 * 1024 } = deps;
  const shared = kind === 'postgres';
  const echoes = await openEchoes({ db, clock: deps.clock, key: deps.echoKey });
  const residues = await openResidues({ db, clock: deps.clock, memoryOf: deps.memoryOf });
  const endorsements = await openEndorsements({ db, clock: deps.clock, key: deps.echoKey });
  /** In the order of their last use. */
  const tasks = new Map<string, KnownTask>();
  const loading = new Map<string, Promise<boolean>>();
  const sent = new WeakMap<Call, readonly SentValue[]>();
  let chars = 0;

  function set(id: string, task: KnownTask): void {
    chars += task.evidence.chars - (tasks.get(id)?.evidence.chars ?? 0);
    tasks.delete(id);
    tasks.set(id, task);
    for (const [oldest, { evidence }] of tasks) {
      if (chars <= charsMax || oldest === id) break;
      tasks.delete(oldest); // its row still knows the floor
      chars -= evidence.chars;
    }
  }

  /** Lowered here at once, and stored before anybody gets what lowered it; tried again by the next one when the store was down. */
  function sink(id: string, task: KnownTask, evidence: KnownTask['evidence']): Promise<void> {
    chars += evidence.chars - task.evidence.chars;
    task.evidence = evidence;
    const { floor } = evidence;
    const { secretsRead } = task;
    if (floor < task.stored.floor || secretsRead !== task.stored.secretsRead) {
      const store = () => storeFloor(db, id, floor, secretsRead);
      task.storing = task.storing.catch(() => {}).then(store);
      task.storing = task.storing.then(() => {
        task.stored = { floor, secretsRead };
      });
      task.storing.catch(() => {});
    }
    return task.storing;
  }

  async function load(id: string): Promise<boolean> {
    const found = await readTask(db, id);
    // A chain of ours always has its row; without one nobody can say anything of it.
    if (found) set(id, { ...found, endorsed: await endorsements.of(id) });
    return found !== null;
  }

  /** At each take the task becomes no cleaner than the agent that takes it on (rules §3.4). */
  function takeOn(id: string, task: KnownTask, token: TokenFacts): Promise<void> | null {
    const fresh = actorKeysOf(token).filter((key) => !task.takers.has(key));
    if (fresh.length === 0) return null;
    for (const key of fresh) task.takers.add(key);
    const floor = fresh.reduce<Level>((low, key) => lower(low, startLevel(deps.inputsOf(key))), task.evidence.floor);
    return floor < task.evidence.floor ? sink(id, task, { ...task.evidence, floor }) : null;
  }

  async function refresh(id: string): Promise<boolean> {
    const task = tasks.get(id)!;
    const [floor, endorsed] = await Promise.all([
      storedFloor(db, id),
      endorsements.of(id),
      echoes.refresh(),
      residues.refresh(),
    ]);
    task.endorsed = endorsed;
    task.evidence = { ...task.evidence, floor: lower(task.evidence.floor, floor) };
    return true;
  }

  async function fetchTask(id: string, token: TokenFacts): Promise<boolean> {
    const known = tasks.has(id);
    if (!known) {
      const under = loading.get(id) ?? load(id).finally(() => loading.delete(id));
      loading.set(id, under);
      if (!(await under)) return false;
    } else if (shared) await refresh(id);
    const task = tasks.get(id);
    if (task) await takeOn(id, task, token);
    return true;
  }

  const floorsOf = (task: KnownTask, actorKey: string): TrustAnswer['floor'] => {
    const own = task.evidence.floor;
    const residue = residues.of(actorKey);
    return { task: own, residue, used: lower(own, residue) };
  };

  function judge(call: Call, token: TokenFacts, definition: Definition): TrustAnswer {
    const task = tasks.get(token.chain.task);
    if (!task) return { ...unknownTask, facts: factsOfNothing(call, definition) };
    const { evidence, prompt } = task;
    const endorsed = (key: string) =>
      task.endorsed.size > 0 && task.endorsed.has(endorsements.nameOf(token.chain.task, key));
    const rootAddresses = deps.addressesOf(token.root);
    const known = { evidence, prompt, promptArrived: true, echoes, rootAddresses, endorsed };
    const judged = judgeInTask(call, definition, known, floorsOf(task, token.actorKey), deps.rule);
    sent.set(call, judged.sent);
    return judged.answer;
  }

  return {
    judge,
    size: () => ({ evidenceChars: chars, tasks: tasks.size, echoes: echoes.size() }),
    fetch(token) {
      const id = token.chain.task;
      const task = tasks.get(id);
      if (!task || shared) return fetchTask(id, token);
      const taken = takeOn(id, task, token);
      return taken?.then(() => true) ?? null;
    },
    async leaving(call, token) {
      const values = sent.get(call);
      const task = tasks.get(token.chain.task);
      if (!values || values.length === 0) return;
      const { server } = call.target;
      const evidence = task?.evidence ?? startEvidence(0);
      await echoes.remember(server, echoesOf(values, returnedBy(evidence, server, echoes)));
    },
    async released({ token, decision, server, parts }) {
      const id = token.chain.task;
      const task = tasks.get(id) ?? ((await load(id)) ? tasks.get(id) : undefined);
      if (!task) throw new Error(`task ${id} is not in the store`);
      // Labelled by itself first: a residue is about what this answer says, and not about the task.
      const blank = startEvidence(4);
      const alone = parts.reduce(
        (evidence, { value, rules }) => observe(evidence, { ref: decision, server, output: value, rules, echoes }),
        blank,
      );
      task.secretsRead ||= alone.secretsEvicted || alone.fields.secretCount > 0;
      const joined = withFields(task.evidence, alone.fields, echoes);
      const stored = sink(id, task, {
        ...joined,
        floor: lower(joined.floor, alone.floor),
        evicted: joined.evicted || alone.evicted,
        secretsEvicted: joined.secretsEvicted || alone.secretsEvicted,
      });
      await Promise.all([stored, residues.received(token.actorKey, alone.floor)]);
      set(id, task);
    },
    recalls({ token, decision, server, text, level, secret }) {
      const id = token.chain.task;
      const task = tasks.get(id);
      if (!task) return false;
      const { evidence } = task;
      if ([...evidence.fields].some((field) => field.ref === decision && field.value === text)) return true;
      const rules = [{ at: '', text: level, secret }];
      const { fields, evicted } = observe(startEvidence(4), { ref: decision, server, output: text, rules, echoes });
      const joined = withFields(evidence, fields, echoes);
      // A value that nobody remembers would count as composed, which may be better than it is.
      if (evicted || joined.fields.length === evidence.fields.length) return false;
      task.secretsRead ||= secret;
      void sink(id, task, { ...joined, floor: evidence.floor });
      set(id, task);
      return true;
    },
    async reaches(agent, token) {
      const task = tasks.get(token.chain.task);
      const level = task ? floorsOf(task, token.actorKey).used : 0;
      await residues.received(agent, level);
    },
    floorOf(id, actorKey) {
      const task = tasks.get(id);
      return task ? lower(floorsOf(task, actorKey).used, startLevel(deps.inputsOf(actorKey))) : 0;
    },
    ended(id) {
      chars -= tasks.get(id)?.evidence.chars ?? 0;
      tasks.delete(id);
    },
    async endorse(endorsement) {
      const names = await endorsements.add(endorsement);
      const task = tasks.get(endorsement.task);
      if (task) task.endorsed = new Set([...task.endorsed, ...names]);
    },
    forget: (agent) => residues.forget(agent),
  };
}

/** Nobody can say what it has read: no action, whatever it is. */
const unknownTask: Omit<TrustAnswer, 'facts'> = {
  denials: [{ rule: 'writ.trust.task', code: 'gateway.store_unreachable', argument: null }],
  questions: [],
  provenance: {},
  floor: { task: 0, residue: 0, used: 0 },
};

/** Keys of all actors of the chain, as edges have them. */
function actorKeysOf({ chain, actorKey }: TokenFacts): readonly string[] {
  const earlier = chain.links.slice(1, -1).map(({ actor }) => keyOf(actor));
  return [...earlier, actorKey];
}

function keyOf({ iss, sub }: Principal): string {
  return sub.startsWith('spiffe://') && iss.startsWith('spiffe://') ? sub.slice(iss.length + 1) : `client:${sub}`;
}
