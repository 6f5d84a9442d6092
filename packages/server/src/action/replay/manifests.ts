// The manifests of a replay: any number of files, in which every server stands once.

import { argumentsWithoutRole, type ToolTrust } from '@writ/core';
import { readManifestFile, type ServerManifest } from '../manifest.ts';
import type { Problem } from '../problem.ts';
import type { Tools } from './cases.ts';

export interface Manifests {
  /** Null without an entry. */
  tool(server: string, name: string): ToolTrust | null;
  readonly servers: { readonly [server: string]: ServerManifest };
}

export type ManifestsResult = { readonly manifests: Manifests } | { readonly problems: readonly Problem[] };

export function readManifests(files: readonly { readonly path: string; readonly text: string }[]): ManifestsResult {
  const servers: { [server: string]: ServerManifest } = {};
  const problems: Problem[] = [];
  for (const file of files) {
    const read = readManifestFile(file);
    if ('problems' in read) {
      problems.push(...read.problems);
      continue;
    }
    for (const [name, server] of Object.entries(read.file.servers)) {
      if (Object.hasOwn(servers, name)) {
        const says = `\`${name}\` stands in an earlier manifest too`;
        const path = `servers.${name}`;
        problems.push({ file: file.path, line: 1, column: 1, path, says, expected: 'every server in one manifest' });
      } else servers[name] = server;
    }
  }
  if (problems.length > 0) return { problems };
  const tool = (server: string, name: string): ToolTrust | null => {
    const tools = Object.hasOwn(servers, server) ? servers[server]!.tools : {};
    return Object.hasOwn(tools, name) ? (tools[name] as ToolTrust) : null;
  };
  return { manifests: { tool, servers } };
}

/** What a reviewer would want to hear: tools without an entry, entries without a tool, arguments without a role. */
export function noticesOf({ servers, tool }: Manifests, tools: Tools): readonly string[] {
  const notices: string[] = [];
  for (const [suite, defined] of tools) {
    for (const [name, args] of defined) {
      const entry = tool(suite, name);
      if (entry === null) notices.push(`\`${suite}/${name}\` has no manifest: risk 4, every argument a target`);
      else {
        const open = argumentsWithoutRole(args, entry.args);
        if (open.length > 0) notices.push(`\`${suite}/${name}\`: ${open.join(', ')} without a role counts as a target`);
      }
    }
    const written = Object.hasOwn(servers, suite) ? Object.keys(servers[suite]!.tools) : [];
    for (const name of written)
      if (!defined.has(name)) notices.push(`\`${suite}/${name}\` is not a tool of this suite`);
  }
  return notices;
}
