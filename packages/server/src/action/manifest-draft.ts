// A first manifest for a server, from what it lists: names, descriptions, schemas, and annotations where they are trusted. A program
// wrote it, so it loads only once a person has put their name to it (rules §3.7); every line says what to look at.

import { isJsonObject, type JsonObject, pointerStep } from '@writ/core';
import * as yaml from 'yaml';
import { type ManifestFile, manifestSchemaFileName, type ToolManifest } from './manifest-schema.ts';
import { type Act, type ArgumentRule, actOf, roleOf, UNKNOWN, wordsIn } from './manifest-words.ts';
import { oddCharactersIn } from './odd-characters.ts';

export interface DraftedTool {
  readonly name: string;
  readonly tool: ToolManifest;
  /** What to look at, by key of the entry; an argument by its pointer. */
  readonly look: { readonly [key: string]: string };
}

export interface Draft {
  readonly file: ManifestFile;
  readonly tools: readonly DraftedTool[];
}

/** `tools`: items of `tools/list`; one without a name is left out. */
export function draftManifest(
  server: string,
  tools: readonly JsonObject[],
  { trustAnnotations }: { readonly trustAnnotations: boolean },
): Draft {
  const drafted = tools
    .filter(({ name }) => typeof name === 'string' && name !== '')
    .map((definition) => draftTool(definition, trustAnnotations));
  const entries = Object.fromEntries(drafted.map(({ name, tool }) => [name, tool]));
  return { file: { manifest: 1, generated: true, servers: { [server]: { tools: entries } } }, tools: drafted };
}

function draftTool(definition: JsonObject, trustAnnotations: boolean): DraftedTool {
  const name = String(definition.name);
  const description = typeof definition.description === 'string' ? definition.description : '';
  const { act, look: why } = judged(name, description, definition.annotations, trustAnnotations);
  const args: Record<string, ArgumentRule> = {};
  const look: Record<string, string> = {
    risk: why,
    outputs: 'nothing of it is trusted; raise what the server itself makes up',
  };
  if (act.intent.length === 0 && act.risk > 1)
    look.effect = 'without `intent` it is in scope of any prompt: say which words ask for it';
  if (oddCharactersIn(JSON.stringify(definition)))
    look.risk = `${why}; its definition holds characters that nobody sees: \`writ policy review\` shows them`;
  for (const { pointer, name: argument, ...shape } of argumentsIn(definition.inputSchema)) {
    const { rule, sure } = roleOf(argument, shape, act);
    args[pointer] = rule;
    if (!sure) look[pointer] = 'nothing says what it is';
  }
  const secret = act.effect === 'account' && act.risk === 5;
  const tool: ToolManifest = {
    risk: act.risk,
    effect: act.effect,
    ...(act.intent.length === 0 ? {} : { intent: [...act.intent] }),
    args,
    outputs: [{ at: '', text: 1, keys: 1, ...(secret ? { secret: true } : {}) }],
  };
  return { name, tool, look };
}

function judged(
  name: string,
  description: string,
  annotations: unknown,
  trust: boolean,
): { readonly act: Act; readonly look: string } {
  const named = actOf(wordsIn(name));
  const told = actOf(wordsIn(description.split(/[.\n]/, 1)[0]!));
  const act = named ?? told ?? UNKNOWN;
  const from = named ? 'from its name' : told ? 'from its description' : 'nothing says what it does';
  const hints = isJsonObject(annotations) ? annotations : {};
  const hinted = hintedBy(hints);
  if (hinted !== null && trust) {
    return {
      act: { ...act, ...hinted, intent: hinted.risk > 1 ? act.intent : [] },
      look: 'from its annotations, which you trust',
    };
  }
  const more = told && told.risk > act.risk ? `; its description speaks of more (${told.effect}, ${told.risk})` : '';
  const unheard = hinted === null ? '' : '; its annotations say otherwise and count only with `trustAnnotations: true`';
  const lower =
    act.risk === 1
      ? '; 0 where it only reads what is your own'
      : act.effect === 'message'
        ? '; 3 where it stays inside your organisation'
        : '';
  return { act, look: `${from}${more}${hinted?.risk === act.risk ? '' : unheard}${lower}` };
}

/** As definitions.ts reads them for a tool without manifest: never below 1, and what is not said stays unknown. */
function hintedBy({ readOnlyHint, destructiveHint, openWorldHint }: JsonObject): Pick<Act, 'effect' | 'risk'> | null {
  if (readOnlyHint === true) return { effect: openWorldHint === true ? 'network' : 'read', risk: 1 };
  if (destructiveHint === true) return { effect: 'destroy', risk: 5 };
  return destructiveHint === false && openWorldHint === false ? { effect: 'write', risk: 2 } : null;
}

interface FoundArgument {
  readonly pointer: string;
  readonly name: string;
  readonly type: string | null;
  readonly format: string | null;
  readonly isChoice: boolean;
}

const depthMax = 4;

/** Down to where a schema names no further members; below a list every item counts alike. */
function argumentsIn(schema: unknown, at = '', depth = 0): readonly FoundArgument[] {
  if (!isJsonObject(schema) || !isJsonObject(schema.properties)) return [];
  return Object.entries(schema.properties).flatMap(([name, property]) => {
    const pointer = `${at}/${pointerStep(name)}`;
    const own = isJsonObject(property) ? property : {};
    const items = isJsonObject(own.items) ? own.items : null;
    const below =
      depth >= depthMax
        ? []
        : items
          ? argumentsIn(items, `${pointer}/*`, depth + 1)
          : argumentsIn(own, pointer, depth + 1);
    if (below.length > 0) return below;
    const leaf = items ?? own;
    const { type, format } = leaf;
    const isChoice = Array.isArray(leaf.enum) || leaf.const !== undefined;
    return [
      {
        pointer,
        name,
        type: typeof type === 'string' ? type : null,
        format: typeof format === 'string' ? format : null,
        isChoice,
      },
    ];
  });
}

const HEAD = `yaml-language-server: $schema=./${manifestSchemaFileName}
Drafted from what the server lists; a program knows nothing but the server's own words. Read every line: risk 0-5,
effect, which prompts ask for it, what each argument is (target, value, date, payload, ignored), what its answers are worth.
It is used once you have put your name to it: \`reviewed: { by: <your name>, digest: "sha256:..." }\` at the end of this file.
\`writ validate\` says the digest, and refuses the review of any other text.`;

/** YAML with a comment wherever somebody should look. Nothing that the server wrote stands in a comment. */
export function draftText({ file, tools }: Draft): string {
  const document = new yaml.Document(file, { aliasDuplicateObjects: false });
  document.commentBefore = HEAD.split('\n')
    .map((line) => ` ${line}`)
    .join('\n');
  const [server] = Object.keys(file.servers);
  for (const { name, look } of tools) {
    const entry = document.getIn(['servers', server, 'tools', name]) as yaml.YAMLMap;
    inOneLine(entry);
    for (const [key, words] of Object.entries(look)) {
      const map = key.startsWith('/') ? (entry.get('args') as yaml.YAMLMap) : entry;
      const pair = map.items.find((item) => yaml.isScalar(item.key) && item.key.value === key);
      if (pair && yaml.isScalar(pair.key)) pair.key.commentBefore = ` ${words}`;
    }
  }
  return document.toString({ lineWidth: 130, flowCollectionPadding: true });
}

/** Words and rules as people write them: a list or a rule on one line. */
function inOneLine(entry: yaml.YAMLMap): void {
  const intent = entry.get('intent');
  if (yaml.isSeq(intent)) intent.flow = true;
  for (const key of ['args', 'outputs']) {
    const node = entry.get(key);
    const rules = yaml.isMap(node) ? node.items.map(({ value }) => value) : yaml.isSeq(node) ? node.items : [];
    for (const rule of rules) if (yaml.isMap(rule)) rule.flow = true;
  }
}
