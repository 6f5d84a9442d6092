// The `.env` files that configurations name: which they are, and what stands in them. The names are dotenv's and Docker's.

import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type ConfiguredServer, type NamedWord, placesIn, type Word } from './configuration.ts';
import { member } from './document.ts';

/** Names and values with their places; comments, `export` and quotes taken off. */
export function readEnvFile(file: string, text: string): readonly NamedWord[] {
  const placeOf = placesIn(file, text);
  const form =
    /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*("(?:[^"\\]|\\[\s\S])*"|'[^']*'|[^\r\n]*)/gm;
  return [...text.matchAll(form)].map((match) => {
    const [all, name, raw] = match as unknown as [string, string, string];
    const quoted = /^(?:"[\s\S]*"|'[\s\S]*')$/.test(raw);
    const value = quoted ? raw.slice(1, -1) : raw.replace(/(?:^|\s)#.*$/, '').trimEnd();
    const start = match.index + all.length - raw.length;
    return { name, text: value, place: placeOf({ start, end: start + raw.length }) };
  });
}

/** Absolute paths of what a server's entry names: `envFile`, `--env-file X`, `dotenv -e X`. */
export function envFilesOf(server: ConfiguredServer, home: string): readonly string[] {
  const named = [member(server.node, 'envFile'), member(server.node, 'env_file')].flatMap((node) =>
    node?.kind === 'text' ? [node.value] : [],
  );
  return [...named, ...envFileArguments(server.command)].flatMap((path) => {
    const at = absolute(path, server.file, home);
    return at === null ? [] : [at];
  });
}

function envFileArguments(command: readonly Word[]): readonly string[] {
  const isDotenv = command.some(({ text }) => /(?:^|[/\\])dotenv(?:-cli|x)?$/.test(text));
  return command.flatMap(({ text }, i) => {
    const joined = /^--env-file(?:-if-exists)?=(.+)$/.exec(text)?.[1];
    if (joined !== undefined) return [joined];
    const takesNext =
      /^--env-file(?:-if-exists)?$/.test(text) || (isDotenv && text === '-e') || (isDotenv && text === '-f');
    const next = command[i + 1]?.text;
    return takesNext && next !== undefined ? [next] : [];
  });
}

const projectFolderNames = /^\.(?:vscode|cursor|claude|codex|gemini|zed|kiro|amazonq|devcontainer)$/;

function absolute(path: string, configFile: string, home: string): string | null {
  const project = projectOf(configFile);
  const filled = path
    .replace(/^\$\{(?:workspaceFolder|workspaceRoot|projectRoot)\}/, () => project)
    .replace(/^(?:~|\$\{userHome\}|\$\{env:HOME\}|\$\{HOME\}|\$HOME)(?=[/\\])/, () => home);
  if (filled.includes('${')) return null; // Only the client knows.
  return isAbsolute(filled) ? resolve(filled) : join(project, filled);
}

/** `/p` of `/p/.vscode/mcp.json`. */
function projectOf(configFile: string): string {
  const parts = dirname(configFile).split(/[/\\]/);
  const at = parts.findLastIndex((part) => projectFolderNames.test(part));
  return at === -1 ? dirname(configFile) : parts.slice(0, at).join('/') || '/';
}
