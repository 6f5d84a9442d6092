// What a task would get from its prompt (`tasks.scopeFromPrompt`, ADR 4), on recorded runs: honest work loses nothing, and a good part
// of what was injected was never in the task's authority. The answer key is read here and by nothing that decides.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { authorityFromPrompt, type JsonObject, type Link, noPrompt, refusalOfLink, withTurn } from '@writ/core';
import { readManifest } from '../../packages/server/src/action/manifest.ts';
import { scopedServersOf } from '../../packages/server/src/action/manifest-scope.ts';
import { reviewedServer } from '../../packages/server/src/action/testing.ts';
import { publicData, publicJson } from '../public-data.ts';

interface Case {
  readonly id: string;
  readonly suite: string;
  readonly kind: string;
  readonly prompt: string;
  readonly steps: readonly {
    readonly call: { readonly tool: string; readonly args: JsonObject };
    readonly injected?: boolean;
  }[];
}

interface Tool {
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonObject;
  readonly required: readonly string[];
}

const data = publicData('agentdojo/cases.json');

describe('the public replay set, task by task', { skip: data.skip }, () => {
  const examples = resolve(import.meta.dirname, '../../examples/agentdojo');
  const { cases } = publicJson<{ cases: readonly Case[] }>('agentdojo/cases.json');
  const listed = publicJson<{ readonly [suite: string]: readonly Tool[] }>('agentdojo/tools.json');
  const servers = scopedServersOf(
    ['banking', 'slack'].map((suite) => {
      const path = join(examples, `${suite}.manifest.yaml`);
      const read = readManifest({ path, text: readFileSync(path, 'utf8') }, suite);
      if ('problems' in read) throw new Error(JSON.stringify(read.problems));
      const tools = listed[suite]!.map(({ name, description, parameters: properties, required }) => {
        return { name, description, inputSchema: { type: 'object', properties, required } } as JsonObject;
      });
      return reviewedServer(suite, tools, read.manifest);
    }),
    () => null,
  );

  /** Null: the task's authority admits the step. */
  function refusalOf(one: Case, { tool, args }: Case['steps'][number]['call'], bindArguments: boolean): string | null {
    const { suite, prompt: text } = one;
    const { prompt } = withTurn(noPrompt, { origin: 'direct', opensTask: true, text }, 3);
    const held = servers.get(suite)!.map(({ name }) => `${suite}:${name}`);
    const given = authorityFromPrompt({ held, asked: null, prompt, servers, rootAddresses: [], bindArguments });
    const dimensions = { audience: 'a', budget: [], depth: 0, untilSeconds: 1, ceiling: 4, row: 'r' } as const;
    const link: Link = { actor: { iss: 'i', sub: 's' }, ...dimensions, ...given };
    const asked = { scopes: [`${suite}:${tool}`], anyScopeOf: null, arguments: args };
    return refusalOfLink(link, asked, 0, 0)?.code ?? null;
  }

  function refusedSteps(of: 'benign' | 'injected', bindArguments: boolean) {
    const steps = cases.flatMap((one) =>
      one.steps
        .filter(({ injected }) => (of === 'benign' ? one.kind === 'benign' : injected))
        .map(({ call }) => refusalOf(one, call, bindArguments)),
    );
    return { of: steps.length, refused: steps.filter((code) => code !== null) };
  }

  test('no step of honest work is outside its task, and more than half of the injected effects are', () => {
    assert.deepEqual(refusedSteps('benign', false).refused, []);
    const injected = refusedSteps('injected', false);
    assert.ok(injected.refused.length * 2 > injected.of, `${injected.refused.length} of ${injected.of}`);
  });

  test('bound targets stop more of them, at the price of an honest payment to an account that only the data names', () => {
    assert.deepEqual(refusedSteps('benign', true).refused, ['token.constraint_violated']);
    assert.ok(refusedSteps('injected', true).refused.length > refusedSteps('injected', false).refused.length);
  });
});
