// A Rego policy compiled to WebAssembly, evaluated in this process with a bounded memory: the same question and the same one yes as
// OPA's REST API, without a network. Nothing leaves the plane, so the policy sees every argument.

import { type LoadedPolicy, loadPolicy } from '@open-policy-agent/opa-wasm';
import { canonicalJson } from '@writ/core';
import { type Bundle, readBundle } from './bundle-file.ts';
import { digestOfBytes } from './digest-of-bytes.ts';
import { aboutOf, type CallQuestion, questionOf } from './question.ts';
import type { RemoteEngine, RemoteVerdict } from './verdict.ts';

export interface BundleOptions {
  /** As records call it. */
  readonly name: string;
  readonly path: string;
  /** Entrypoint that the bundle was built with (`opa build -e`). */
  readonly rule: string;
}

// 64 KiB each. A policy that needs more at once has answered nothing.
const firstPages = 5;
const pagesMax = 1024;

/** Rejects with a sentence for a bundle that cannot be used. */
export async function openOpaBundle({ name, path, rule }: BundleOptions): Promise<RemoteEngine> {
  const bundle = readBundle(path);
  const first = await openPolicy(bundle, path);
  if (!Object.hasOwn(first.entrypoints, rule)) {
    const known = Object.keys(first.entrypoints).map((one) => `\`${one}\``);
    throw new Error(`the bundle \`${path}\` has no entrypoint \`${rule}\`; it has ${known.join(', ')}`);
  }
  let policy = Promise.resolve(first);

  async function answerTo(question: string): Promise<unknown> {
    const asked = await policy;
    try {
      return asked.evaluate(new TextEncoder().encode(question).buffer, rule);
    } catch (error) {
      // Memory after an abort holds half of something; the next question gets a new one.
      policy = openPolicy(bundle, path);
      policy.catch(() => {}); // whoever asks next is told
      throw error;
    }
  }

  return {
    name,
    close: async () => {},
    async ask(asked: CallQuestion): Promise<RemoteVerdict> {
      const question = canonicalJson(questionOf(asked, everyArgument));
      const requestDigest = digestOfBytes(Buffer.from(question));
      const told = { engine: name, about: aboutOf(asked), requestDigest, policyDigest: bundle.digest };
      try {
        const answer = await answerTo(question);
        return { ...told, answerDigest: digestOfBytes(Buffer.from(JSON.stringify(answer))), ...verdictOf(answer) };
      } catch (error) {
        const cause = `it could not be evaluated (${reasonOf(error)})`;
        return { ...told, answerDigest: null, verdict: 'none', fault: 'failed', cause };
      }
    },
  };
}

const everyArgument = [''];

async function openPolicy({ wasm, data }: Bundle, path: string): Promise<LoadedPolicy> {
  try {
    const policy = await loadPolicy(wasm, { initial: firstPages, maximum: pagesMax });
    policy.setData(data);
    return policy;
  } catch (error) {
    throw new Error(`the bundle \`${path}\` has a \`policy.wasm\` that does not start`, { cause: error });
  }
}

/** The library throws texts and plain objects: its own words, which repeat nothing of what was asked. */
function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.name;
  const message = typeof error === 'string' ? error : (error as { readonly message?: unknown } | null)?.message;
  return String(message ?? 'no reason given').slice(0, 200);
}

/** A set with one result, and that is a boolean: a rule that is undefined gives none. */
function verdictOf(
  answer: unknown,
): { readonly verdict: 'permit' | 'deny' } | { readonly verdict: 'none'; readonly fault: 'no_boolean'; cause: string } {
  const result = Array.isArray(answer) && answer.length === 1 ? (answer[0] as { result?: unknown }).result : undefined;
  if (typeof result === 'boolean') return { verdict: result ? 'permit' : 'deny' };
  const cause =
    result === undefined ? 'the rule is undefined; give it `default … := false`' : 'the rule is not a boolean';
  return { verdict: 'none', fault: 'no_boolean', cause };
}
