// Whose word is enough (C2SP tlog-policy): the logs that are accepted, the witnesses that are known, and the quorum of
// witnesses that makes a checkpoint valid.

import { toHex, utf8Text } from '../std/bytes.ts';
import type { Engine } from '../std/engine.ts';
import { type Checked, type NoteSignature, parseVkey, type VerifierKey } from './note.ts';

export interface PolicyWitness {
  readonly kind: 'witness';
  /** Means nothing outside the policy. */
  readonly name: string;
  readonly key: VerifierKey;
  /** Submission prefix; null where the policy is for checking only. */
  readonly url: string | null;
}

export interface PolicyGroup {
  readonly kind: 'group';
  readonly name: string;
  /** So many of the members, 1 or more. */
  readonly threshold: number;
  readonly members: readonly PolicyMember[];
}

export type PolicyMember = PolicyWitness | PolicyGroup;

export interface WitnessPolicy {
  /** Empty: which log is meant is known otherwise. */
  readonly logs: readonly VerifierKey[];
  readonly witnesses: readonly PolicyWitness[];
  /** Null: `quorum none`, no witness is needed. */
  readonly quorum: PolicyMember | null;
}

/** The standard recommends support for 32 of each kind; more than these is no policy that people keep. */
const namesMax = 128;
const policyBytesMax = 1_000_000;

/** The policy, or one sentence with the line that is wrong. */
export function parseWitnessPolicy(engine: Engine, file: Uint8Array): Checked<WitnessPolicy> {
  const text = file.length <= policyBytesMax ? utf8Text(file) : null;
  if (text === null) return { ok: false, says: 'it is not UTF-8, or too large for a policy' };
  const draft: Draft = { engine, logs: [], witnesses: [], named: new Map(), grouped: new Set(), quorum: undefined };
  for (const [i, line] of text.split('\n').entries()) {
    const problem = takeLine(draft, line);
    if (problem !== null) return { ok: false, says: `line ${i + 1}: ${problem}` };
  }
  const { logs, witnesses, quorum } = draft;
  if (quorum === undefined) return { ok: false, says: 'it has no `quorum` line; `quorum none` asks for no witness' };
  return { ok: true, value: { logs, witnesses, quorum } };
}

/** Whether these signatures, each genuine, are the quorum. Several of one witness count once. */
export function isQuorum({ quorum }: WitnessPolicy, signatures: readonly Pick<NoteSignature, 'key'>[]): boolean {
  const signed = new Set(signatures.map(({ key }) => underlying(key)));
  const has = (member: PolicyMember): boolean =>
    member.kind === 'witness'
      ? signed.has(underlying(member.key))
      : member.members.filter(has).length >= member.threshold;
  return quorum === null || has(quorum);
}

interface Draft {
  readonly engine: Engine;
  readonly logs: VerifierKey[];
  readonly witnesses: PolicyWitness[];
  readonly named: Map<string, PolicyMember>;
  /** Names that are a member of a group already. */
  readonly grouped: Set<string>;
  quorum: PolicyMember | null | undefined;
}

/** What is wrong with the line, or null. */
function takeLine(draft: Draft, line: string): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: tab is the only one that the standard allows in a line.
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(line)) return 'it has control characters';
  const [word, ...rest] = line.split(/[ \t]+/).filter((part) => part !== '');
  if (word === undefined || word.startsWith('#')) return null;
  if (draft.named.size + draft.logs.length >= namesMax)
    return `it names more than ${namesMax} logs, witnesses and groups`;
  if (word === 'log') return takeLog(draft, rest);
  if (word === 'witness') return takeWitness(draft, rest);
  if (word === 'group') return takeGroup(draft, rest);
  if (word === 'quorum') return takeQuorum(draft, rest);
  return `\`${word}\` is not \`log\`, \`witness\`, \`group\` or \`quorum\``;
}

function takeLog({ engine, logs }: Draft, [vkey = '', url, ...more]: string[]): string | null {
  const key = parseVkey(engine, vkey);
  if (!key || key.role === 'witness') return `\`${vkey}\` is not the key of a log`;
  if (logs.some((log) => underlying(log) === underlying(key))) return 'this log was named before';
  if (more.length > 0 || !isUrl(url)) return 'after the key stands at most the URL of the log';
  logs.push(key);
  return null;
}

function takeWitness(draft: Draft, [name = '', vkey = '', url, ...more]: string[]): string | null {
  const key = parseVkey(draft.engine, vkey);
  if (!key || key.role === 'log') return `\`${vkey}\` is not the key of a witness (cosignatures, type 4 or 6)`;
  if (draft.witnesses.some((known) => underlying(known.key) === underlying(key)))
    return 'this witness was named before';
  if (more.length > 0 || !isUrl(url)) return 'after the key stands at most the URL of the witness';
  const witness: PolicyWitness = { kind: 'witness', name, key, url: url ?? null };
  draft.witnesses.push(witness);
  return define(draft, witness);
}

function takeGroup(draft: Draft, [name = '', count = '', ...names]: string[]): string | null {
  const members: PolicyMember[] = [];
  for (const one of names) {
    const member = draft.named.get(one);
    if (!member) return `\`${one}\` is not defined on a line before`;
    if (draft.grouped.has(one)) return `\`${one}\` is a member of a group already, so it would count twice`;
    draft.grouped.add(one);
    members.push(member);
  }
  const threshold =
    count === 'any' ? 1 : count === 'all' ? members.length : /^[1-9][0-9]{0,3}$/.test(count) ? Number(count) : 0;
  if (members.length === 0) return 'a group needs members';
  if (threshold < 1 || threshold > members.length) {
    return `\`${count}\` is not \`any\`, \`all\` or a number from 1 to ${members.length}`;
  }
  return define(draft, { kind: 'group', name, threshold, members });
}

function takeQuorum(draft: Draft, [name = '', ...more]: string[]): string | null {
  if (draft.quorum !== undefined) return 'there is a quorum already';
  const member = name === 'none' ? null : draft.named.get(name);
  if (member === undefined || more.length > 0)
    return `\`${[name, ...more].join(' ')}\` is not one name defined on a line before`;
  draft.quorum = member;
  return null;
}

function define({ named }: Draft, member: PolicyMember): string | null {
  if (member.name === 'none') return '`none` means no witness and cannot be defined';
  if (named.has(member.name)) return `\`${member.name}\` is defined already`;
  named.set(member.name, member);
  return null;
}

/** Two keys are one when their bytes are, whatever they are called. */
function underlying({ publicKey }: VerifierKey): string {
  return toHex(publicKey);
}

function isUrl(text: string | undefined): boolean {
  return text === undefined || /^https?:\/\/[^/]/.test(text);
}
