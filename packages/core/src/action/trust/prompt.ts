// What the person asked for. Only words typed as instruction count, for literals and for intent; what was pasted, attached or
// quoted is content, and content lowers the floor (rules §3.2).

import { type Level, lower } from './levels.ts';
import type { Finder } from './tokens.ts';
import { normal } from './typed-value.ts';

/** Past this, text is content. In characters (UTF-16 units). */
export const instructionCharsMax = 4000;

/** `direct`: typed in the root's own session. `relayed`: registered by an agent that may. `other`: everything else. */
export type PromptOrigin = 'direct' | 'relayed' | 'mandate' | 'other';

export interface PromptTurn {
  readonly origin: PromptOrigin;
  readonly text: string;
  readonly attachments?: readonly string[];
  /** Registered in the request that opened the task. */
  readonly opensTask: boolean;
}

interface Instruction {
  readonly origin: PromptOrigin;
  readonly level: Level;
  /** NFKC. */
  readonly text: string;
}

/** The instructions that count, in order. Empty: a task without a prompt. */
export interface Prompt {
  readonly instructions: readonly Instruction[];
}

export const noPrompt: Prompt = { instructions: [] };

export interface PromptParts {
  readonly instruction: string;
  readonly content: string;
}

/** Fenced blocks, lines that begin with `>`, and what stands past the limit are content. Quotation marks change nothing. */
export function promptParts(text: string): PromptParts {
  const cut = cutAt(text);
  const instruction: string[] = [];
  const content: string[] = [text.slice(cut)];
  let fence: string | null = null;
  for (const line of text.slice(0, cut).split(/\r\n|[\n\r\u0085\u2028\u2029]/u)) {
    const mark = /^\s*(```+|~~~+)/u.exec(line)?.[1];
    const isFence = mark !== undefined && (fence === null || mark.startsWith(fence));
    if (isFence) fence = fence === null ? mark : null;
    const isContent = isFence || fence !== null || /^\s*[>＞]/u.test(line);
    (isContent ? content : instruction).push(line);
  }
  return { instruction: instruction.join('\n'), content: content.filter((part) => part.trim() !== '').join('\n') };
}

/** Never through a token: half of one could be another one. */
function cutAt(text: string): number {
  if (text.length <= instructionCharsMax) return text.length;
  for (let at = instructionCharsMax; at > 0; at--) if (/\s/u.test(text[at]!)) return at;
  return 0;
}

/**
 * A turn of the conversation. An agent registers a prompt once, when the task opens; later turns through it count only while
 * the task is clean, so that what it has read in between cannot come back as a wish (rules §3.2).
 */
export function withTurn(
  prompt: Prompt,
  turn: PromptTurn,
  floor: Level,
): { readonly prompt: Prompt; readonly floor: Level } {
  const level = levelOf(turn, floor);
  const { instruction, content } = promptParts(turn.text);
  const hasContent = content !== '' || (turn.attachments ?? []).some((one) => one.trim() !== '');
  const lowered = lower(hasContent ? lower(floor, 1) : floor, instruction.trim() === '' ? floor : level);
  if (level === 0 || instruction.trim() === '') return { prompt, floor: lowered };
  const added: Instruction = { origin: turn.origin, level, text: normal(instruction) };
  return { prompt: { instructions: [...prompt.instructions, added] }, floor: lowered };
}

function levelOf({ origin, opensTask }: PromptTurn, floor: Level): Level {
  switch (origin) {
    case 'direct':
      return 4;
    case 'mandate':
      return opensTask ? 3 : 0;
    case 'relayed':
      return opensTask || floor >= 3 ? 3 : 0;
    case 'other':
      return 0;
  }
}

export interface PromptHit {
  readonly level: Level;
  /** Offset in the NFKC text of that instruction. */
  readonly offset: number;
}

/** Where a value stands in the prompt, the most trusted place first. */
export function findInPrompt(prompt: Prompt, find: Finder): PromptHit | null {
  let best: PromptHit | null = null;
  for (const { level, text } of prompt.instructions) {
    if (best !== null && best.level >= level) continue;
    const offset = find(text);
    if (offset >= 0) best = { level, offset };
  }
  return best;
}

/** In the person's own typing alone, as dates and secrets need it. */
export function directPart(prompt: Prompt): Prompt {
  return { instructions: prompt.instructions.filter(({ origin }) => origin === 'direct') };
}

/** The best origin there is; null for a task without a prompt. */
export function originOf(prompt: Prompt): 'direct' | 'relayed' | 'mandate' | null {
  const origins = new Set(prompt.instructions.map(({ origin }) => origin));
  return (['direct', 'mandate', 'relayed'] as const).find((origin) => origins.has(origin)) ?? null;
}

/**
 * Does the prompt ask for this kind of act? Whole words without case; an entry that ends in `*` is a stem at a word start, one of
 * several words wants them in a row. A negation is not understood: "do not send" has the word.
 */
export function asksFor(prompt: Prompt, intent: readonly string[]): boolean {
  const spoken = prompt.instructions.map(({ text }) => wordsOf(text));
  return intent.some((entry) => {
    const isStem = entry.endsWith('*');
    const wanted = wordsOf(isStem ? entry.slice(0, -1) : entry);
    if (wanted.length === 0) return false;
    const fits = (word: string | undefined, i: number): boolean =>
      word !== undefined && (isStem && i === wanted.length - 1 ? word.startsWith(wanted[i]!) : word === wanted[i]);
    return spoken.some((words) => words.some((_, at) => wanted.every((_, i) => fits(words[at + i], i))));
  });
}

function wordsOf(text: string): readonly string[] {
  return (
    normal(text)
      .toLowerCase()
      .match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
  );
}
