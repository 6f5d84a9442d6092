// One scan from request to result: files are found and read, rules judge them, endpoints are asked, secrets are hidden. Sockets,
// git, clock and consent come in as ports.

import { createHash } from 'node:crypto';
import { relative, resolve, sep } from 'node:path';
import type { Ask } from './ask.ts';
import type { Configuration, ConfiguredServer } from './configuration.ts';
import { endpointsOf, endpointsOfSockets, namedEndpoint, type Socket } from './endpoints.ts';
import {
  type FoundFile,
  filesBelow,
  filesOfHome,
  filesOfMachine,
  filesOfProject,
  isEnvFileName,
  namedFile,
  onlyOnce,
  statOf,
  windowsHomes,
} from './find-files.ts';
import { type Finding, type Hit, type Probe, type ScannedFile, type ScanResult, SEVERITIES } from './finding.ts';
import { type Hider, hider } from './hide.ts';
import { plainUrl } from './hosts.ts';
import { keptSecrets, type Surroundings } from './keep-secrets.ts';
import { distinct, mayProbe, probeAll, type Words } from './probe.ts';
import { readConfig } from './read-config.ts';
import type { ReadFile, Rule, ServerTools } from './rule.ts';
import { RULES } from './rules/index.ts';
import type { Endpoint, Seen } from './seen.ts';
import type { Started } from './start-stdio.ts';

export interface ScanRequest {
  /** Folder that is read as a home, and walked for projects; null: none. */
  readonly home: string | null;
  /** What this system adds to a home: files for all users, homes of Windows. */
  readonly machine: boolean;
  /** Files, and folders that are walked. */
  readonly paths: readonly string[];
  /** Addresses to ask besides, as the person wrote them. */
  readonly hosts: readonly string[];
  readonly sockets: boolean;
  readonly probe: boolean;
  /** Names of stdio servers that may be started. */
  readonly start: readonly string[];
}

export interface World extends Surroundings {
  readonly ask: Ask;
  readonly words: Words;
  readonly sockets: () => readonly Socket[];
  readonly start: (server: ConfiguredServer) => Promise<Started>;
  /** Ids are made from paths below this folder, so that they are the same on every machine. */
  readonly baseFolder: string;
}

export async function scan(request: ScanRequest, world: World): Promise<ScanResult> {
  const notes: string[] = [];
  const { configs, envFiles } = findFiles(request, notes);
  const files = configs.map(readFile);
  const configurations = files.flatMap(({ configuration }) => (configuration === null ? [] : [configuration]));
  const servers = configurations.flatMap((one) => one.servers);
  const secrets = await keptSecrets(files, servers, envFiles, world);
  const seen = request.probe ? await askEndpoints(request, configurations, world, notes) : [];
  const tools = [...toolsOfSeen(seen), ...(await toolsOfStarted(request, servers, world, notes))];

  const hits = RULES.flatMap((rule) =>
    [
      ...(rule.onSecrets?.(secrets.kept) ?? []),
      ...files.flatMap((file) => rule.onFile?.(file) ?? []),
      ...servers.flatMap((server) => rule.onServer?.(server) ?? []),
      ...seen.flatMap((one) => rule.onSeen?.(one) ?? []),
      ...tools.flatMap((one) => rule.onTools?.(one) ?? []),
    ].map((hit) => ({ rule, hit })),
  );
  const hide = hider(secrets.kept.map((one) => one.secret.value));
  return {
    scanned: [...files.map(({ client, file }): ScannedFile => ({ client, file })), ...secrets.envFiles],
    findings: inOrder(findingsOf(hits, world.baseFolder, hide)),
    probes: seen.map((one) => probeOf(one, hide)),
    notes: notes.map(hide.text),
  };
}

function findFiles(
  request: ScanRequest,
  notes: string[],
): { configs: readonly FoundFile[]; envFiles: readonly string[] } {
  const found: FoundFile[] = [];
  const envFiles: string[] = [];
  const below = (folder: string) => {
    const walked = filesBelow(folder);
    found.push(...walked.files);
    if (!walked.complete)
      notes.push(`\`${folder}\` holds more folders than were looked at; name the project to have it scanned`);
  };
  if (request.home !== null) {
    found.push(...filesOfHome(request.home));
    below(request.home);
  }
  if (request.machine) found.push(...filesOfMachine(), ...windowsHomes().flatMap(filesOfHome));
  for (const path of request.paths) {
    const at = resolve(path);
    if (statOf(at)?.isDirectory()) {
      found.push(...filesOfHome(at), ...filesOfProject(at));
      below(at);
    } else if (isEnvFileName(at)) envFiles.push(at);
    else found.push(namedFile(at));
  }
  return { configs: onlyOnce(found), envFiles };
}

function readFile(found: FoundFile): ReadFile {
  const read = readConfig(found);
  if (!read.ok)
    return {
      client: read.client,
      file: found.file,
      mode: 0,
      configuration: null,
      fault: { says: read.says, place: read.place },
    };
  return {
    client: read.configuration.client,
    file: found.file,
    mode: process.platform === 'win32' ? 0 : read.mode,
    configuration: read.configuration,
    fault: null,
  };
}

async function askEndpoints(
  request: ScanRequest,
  configurations: readonly Configuration[],
  world: World,
  notes: string[],
): Promise<readonly Seen[]> {
  const endpoints = endpointsToAsk(request, configurations, world);
  const asked = endpoints.filter(mayProbe);
  const left = endpoints.length - asked.length;
  if (left > 0)
    notes.push(
      `${left === 1 ? 'one endpoint' : `${left} endpoints`} beyond this network ${left === 1 ? 'was' : 'were'} not asked; \`--host\` names what may be`,
    );
  return probeAll(asked, world.ask, world.words);
}

/** Also what `--dry-run` shows. */
export function endpointsToAsk(
  request: ScanRequest,
  configurations: readonly Configuration[],
  world: Pick<World, 'sockets'>,
): readonly Endpoint[] {
  const sockets = world.sockets();
  const known = [
    ...request.hosts.flatMap((text) => namedEndpoint(text) ?? []),
    ...configurations.flatMap((one) => endpointsOf(one, sockets)),
  ];
  return distinct([...known, ...(request.sockets ? endpointsOfSockets(sockets, known) : [])]);
}

/** Configurations of a request, for whoever wants to know what a scan would ask. */
export function configurationsOf(request: ScanRequest): readonly Configuration[] {
  return findFiles(request, [])
    .configs.map(readFile)
    .flatMap(({ configuration }) => (configuration === null ? [] : [configuration]));
}

function toolsOfSeen(seen: readonly Seen[]): readonly ServerTools[] {
  return seen.flatMap((one) => {
    if (one.protocol !== 'mcp' || one.listed === null) return [];
    const { server, place, url } = one.endpoint;
    return [{ ...one.listed, name: server?.name ?? new URL(url).host, place, server, url }];
  });
}

async function toolsOfStarted(
  request: ScanRequest,
  servers: readonly ConfiguredServer[],
  world: World,
  notes: string[],
): Promise<readonly ServerTools[]> {
  const stdio = servers.filter(({ command }) => command.length > 0);
  const chosen = stdio.filter(({ name }) => request.start.includes(name));
  const left = stdio.length - chosen.length;
  if (left > 0 && request.probe)
    notes.push(
      `${left === 1 ? 'one server' : `${left} servers`} on standard input ${left === 1 ? 'was' : 'were'} not started; \`--start NAME\` has its tools read`,
    );
  const found: ServerTools[] = [];
  for (const server of chosen) {
    const started = await world.start(server);
    if (started.ok) found.push({ ...started.listed, name: server.name, place: server.place, server, url: null });
    else notes.push(`\`${server.name}\` was started and its tools were not read: ${started.says}`);
  }
  return found;
}

function findingsOf(
  hits: readonly { readonly rule: Rule; readonly hit: Hit }[],
  baseFolder: string,
  hide: Hider,
): readonly Finding[] {
  const counts = new Map<string, number>();
  return hits.map(({ rule, hit }) => {
    const file = hit.place === null ? '' : relative(baseFolder, hit.place.file).split(sep).join('/');
    const key = [rule.id, file, hide.text(hit.subject)].join('\n');
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const id = createHash('sha256').update(`${key}\n${count}`).digest('hex').slice(0, 16);
    const { says, evidence, fix } = hit;
    return {
      id,
      rule: rule.id,
      severity: hit.severity ?? rule.severity,
      place: hit.place,
      says: hide.text(says),
      evidence: hide.text(evidence),
      fix: hide.fix(fix),
    };
  });
}

function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const weight = ({ severity }: Finding) => -SEVERITIES.indexOf(severity);
  return findings.toSorted(
    (a, b) =>
      weight(a) - weight(b) ||
      (a.place?.file ?? '').localeCompare(b.place?.file ?? '') ||
      (a.place?.line ?? 0) - (b.place?.line ?? 0),
  );
}

function probeOf({ endpoint, result, detail }: Seen, hide: Hider): Probe {
  return { url: hide.text(plainUrl(endpoint.url) ?? endpoint.url), result, detail: hide.text(detail) };
}
