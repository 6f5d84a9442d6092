// From what a server lists, what a person pinned and what a manifest says to the operations that policy judges. A definition
// that cannot be checked is no operation, and the reason is a sentence for the operator. Rules §3.6–3.7.

import {
  argumentsWithoutRole,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  pointerStep,
  type ToolTrust,
  unknownTool,
} from '@writ/core';
import { readShape } from './arguments/read-shape.ts';
import type { Shape } from './arguments/shape.ts';
import { SEND } from './calls.ts';
import { digestOf } from './digest.ts';
import type { ServerManifest, ToolManifest } from './manifest-schema.ts';
import type { Operation, Risk } from './operation.ts';
import { type Listed, type Pin, type PinnedDocument, readListing, type ServerListing } from './pins.ts';

export interface ServerInput {
  readonly key: string;
  /** What its operations belong to; absent: a tool server. */
  readonly kind?: 'server' | 'upstream';
  /** What a person reviewed. */
  readonly pins: readonly Pin[];
  /** What the server lists now; null until it was asked, and then none of its operations is callable. */
  readonly listing: ServerListing | null;
  readonly manifest: ServerManifest | null;
  /** Annotations of this server may lower the risk of a tool without manifest, never below 1. */
  readonly trustAnnotations: boolean;
}

/** What the operator's allow lines say of a tool without manifest; null where they say nothing. */
export type ReviewedRisk = (server: string, tool: string) => number | null;

/** A sentence about one tool, for the operator. */
export interface ToolNotice {
  readonly server: string;
  readonly name: string;
  readonly says: string;
}

export interface Operations {
  readonly operations: readonly Operation[];
  readonly notices: readonly ToolNotice[];
}

/** A message inside the plane: what the callee does with it is judged by itself, on a chain that only narrows. */
const SEND_RISK = 2;

/** For the same reason no rule about targets or prompts speaks of it; what was read as secret does not leave by it unasked. */
const sendTrust: ToolTrust = { risk: 1, effect: 'message', args: { '/message': { role: 'payload' } } };

/** Without a reviewed manifest. Rules §3.6. */
const UNKNOWN_RISK = 4;

/** The one operation of every configured agent: it takes a message, whatever is in it. */
export function agentOperation(path: string): Operation {
  const schema = {
    type: 'object',
    properties: { message: { type: 'object' } },
    required: ['message'],
    additionalProperties: false,
  };
  return {
    target: { kind: 'agent', server: path, name: SEND },
    action: `${path}/${SEND}`,
    digest: digestOf({ agent: path, schema }),
    pinned: true,
    reviewed: true,
    manifest: false,
    shape: shapeOrThrow(schema),
    risk: SEND_RISK,
    baseRisk: SEND_RISK,
    riskWhen: [],
    trust: sendTrust,
  };
}

/** All operations of the plane. Agents come first: a server's tool can never take the name of an agent's action. */
export function operationsOf(
  agentPaths: Iterable<string>,
  servers: readonly ServerInput[],
  reviewedRisk: ReviewedRisk,
): Operations {
  const operations = [...agentPaths].map(agentOperation);
  const taken = new Set(operations.map(({ action }) => action));
  const notices: ToolNotice[] = [];
  for (const server of servers) {
    const found = serverOperations(server, reviewedRisk);
    notices.push(...found.notices);
    for (const operation of found.operations) {
      if (taken.has(operation.action)) {
        const { name } = operation.target;
        notices.push({
          server: server.key,
          name,
          says: `\`${operation.action}\` is what messages to an agent are called`,
        });
      } else {
        taken.add(operation.action);
        operations.push(operation);
      }
    }
  }
  return { operations, notices };
}

function serverOperations(server: ServerInput, reviewedRisk: ReviewedRisk): Operations {
  const listing = server.listing && readListing(server.listing);
  const listed = new Map((listing?.listed ?? []).map((one) => [one.name, one]));
  const pins = new Map(server.pins.map((pin) => [pin.name, pin]));
  const notices: ToolNotice[] = (listing?.refused ?? []).map((refused) => ({ server: server.key, ...refused }));
  const operations: Operation[] = [];
  for (const name of new Set([...pins.keys(), ...listed.keys()])) {
    const found = operationOf(server, name, pins.get(name) ?? null, listed.get(name) ?? null, reviewedRisk);
    if ('says' in found) notices.push({ server: server.key, name, says: found.says });
    else operations.push(found);
  }
  notices.push(...manifestNotices(server, operations));
  return { operations, notices };
}

function operationOf(
  server: ServerInput,
  name: string,
  pin: Pin | null,
  now: Listed | null,
  reviewedRisk: ReviewedRisk,
): Operation | { readonly says: string } {
  const { document, digest } = (pin ?? now)!;
  const shape = shapeOf(document);
  if ('says' in shape) return { says: `is not callable: ${shape.says}` };
  const manifest = toolManifest(server.manifest, name, document);
  const baseRisk = manifest ? (manifest.risk as Risk) : riskWithoutManifest(server, name, document, reviewedRisk);
  const riskWhen = (manifest?.riskWhen ?? []).map((when) => ({ ...when, risk: when.risk as Risk }));
  return {
    target: { kind: server.kind ?? 'server', server: server.key, name },
    action: `${server.key}/${name}`,
    digest: now?.digest ?? digest,
    pinned: pin !== null,
    reviewed: pin !== null && pin.digest === now?.digest,
    manifest: manifest !== null,
    shape: shape.shape,
    risk: Math.max(baseRisk, ...riskWhen.map(({ risk }) => risk)) as Risk,
    baseRisk,
    riskWhen,
    trust: {
      ...((manifest as ToolTrust | null) ?? { ...unknownTool, risk: baseRisk }),
      spelt: speltIn(schemaOf(document)),
    },
  };
}

function toolManifest(manifest: ServerManifest | null, name: string, { kind }: PinnedDocument): ToolManifest | null {
  if (!manifest || kind !== 'tool') return null;
  return Object.hasOwn(manifest.tools, name) ? manifest.tools[name]! : null;
}

function riskWithoutManifest(
  server: ServerInput,
  name: string,
  { definition, kind }: PinnedDocument,
  reviewedRisk: ReviewedRisk,
): Risk {
  const reviewed = reviewedRisk(server.key, name);
  if (reviewed !== null) return reviewed as Risk;
  if (!server.trustAnnotations || kind !== 'tool') return UNKNOWN_RISK;
  return riskOfAnnotations(isJsonObject(definition.annotations) ? definition.annotations : {});
}

/** What is not said stays unknown: the standard's own defaults are for hints, not for risk. Never below 1. */
function riskOfAnnotations({ readOnlyHint, destructiveHint, openWorldHint }: JsonObject): Risk {
  if (readOnlyHint === true) return 1;
  if (destructiveHint === true) return 5;
  return destructiveHint === false && openWorldHint === false ? 2 : UNKNOWN_RISK;
}

/** A manifest that speaks of what is not there, or is silent about what is. Nothing is refused for it. */
function manifestNotices({ key, manifest }: ServerInput, operations: readonly Operation[]): readonly ToolNotice[] {
  if (!manifest) return [];
  const byName = new Map(operations.map((operation) => [operation.target.name, operation]));
  return Object.entries(manifest.tools).flatMap(([name, tool]) => {
    const operation = byName.get(name);
    if (!operation) return [];
    const properties = operation.shape.properties ?? new Map<string, Shape>();
    const takes = new Set([...properties.keys()].map(pointerStep));
    const spoken = new Set(Object.keys(tool.args ?? {}).map((pointer) => pointer.split('/')[1] ?? ''));
    const strangers = [...spoken].filter((argument) => argument !== '*' && !takes.has(argument));
    const silent = argumentsWithoutRole([...properties.keys()], (tool as ToolTrust).args);
    return [
      ...strangers.map((argument) => ({
        server: key,
        name,
        says: `its manifest names \`/${argument}\`, which it does not take`,
      })),
      ...silent.map((pointer) => ({ server: key, name, says: `\`${pointer}\` has no role and counts as a target` })),
    ];
  });
}

function shapeOf(document: PinnedDocument): ReturnType<typeof readShape> {
  const schema = schemaOf(document);
  return schema === undefined ? { says: 'it has no input schema' } : readShape(schema);
}

function schemaOf({ kind, definition }: PinnedDocument): JsonValue | undefined {
  if (kind === 'prompt') return promptSchema(definition);
  return kind === 'resources' ? RESOURCE_SCHEMA : definition.inputSchema;
}

/** Member names under any `properties` of a schema, wherever it stands. */
function speltIn(schema: JsonValue | undefined): readonly string[] {
  const names = new Set<string>();
  const visit = (value: JsonValue): void => {
    if (Array.isArray(value)) for (const item of value) visit(item as JsonValue);
    if (!isJsonObject(value)) return;
    if (isJsonObject(value.properties)) for (const name of Object.keys(value.properties)) names.add(name);
    for (const member of Object.values(value)) visit(member);
  };
  if (schema !== undefined) visit(schema);
  return [...names].sort();
}

/** One URI to read, or several to watch. */
const RESOURCE_SCHEMA: JsonObject = {
  type: 'object',
  properties: { uri: { type: ['string', 'array'], items: { type: 'string' } } },
  required: ['uri'],
  additionalProperties: false,
};

/** Prompts take named texts. */
function promptSchema({ name, arguments: args }: JsonObject): JsonObject {
  const named = (Array.isArray(args) ? args : []).filter(isJsonObject).filter((one) => typeof one.name === 'string');
  const properties: [string, JsonValue][] = named.map((one) => [one.name as string, { type: 'string' }]);
  return {
    type: 'object',
    properties: {
      name: { const: name ?? null },
      arguments: {
        type: 'object',
        properties: Object.fromEntries(properties),
        required: named.filter((one) => one.required === true).map((one) => one.name as string),
        additionalProperties: false,
      },
    },
    required: ['name', 'arguments'],
    additionalProperties: false,
  };
}

function shapeOrThrow(schema: JsonObject): Shape {
  const read = readShape(schema);
  if ('says' in read) throw new Error(read.says);
  return read.shape;
}
