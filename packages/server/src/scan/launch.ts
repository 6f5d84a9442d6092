// What a server's command line really starts: wrappers taken off, the package or image that is fetched, the addresses that a bridge
// such as `mcp-remote` talks to. Pure.

import type { ConfiguredServer, Word } from './configuration.ts';

export interface Fetched {
  readonly kind: 'npm' | 'python' | 'image' | 'deno';
  /** Package, version and all, or the image with its tag, as written. */
  readonly spec: Word;
  readonly runner: string;
  /** Always the same bytes, or at least the same version. */
  readonly pinned: boolean;
}

/** The words that are left when `cmd /c`, `sh -c`, `env A=b` and their like are taken off. */
export function unwrapped(command: readonly Word[]): readonly Word[] {
  const [program, ...rest] = command;
  if (program === undefined) return [];
  const name = programName(program.text);
  if (rest.length === 0 && /\s/.test(program.text.trim()) && !/^(?:\/|[A-Za-z]:\\|\.)/.test(program.text))
    return unwrapped(wordsOf(program));
  if (/^cmd$/i.test(name) && /^\/[ck]$/i.test(rest[0]?.text ?? '')) return unwrapped(rest.slice(1));
  if (/^(?:sh|bash|zsh|dash|ksh|fish|pwsh|powershell)$/.test(name)) {
    const at = rest.findIndex(({ text }) => /^-[a-z]*c$|^-Command$/i.test(text));
    return at === -1 || rest[at + 1] === undefined ? command : unwrapped(wordsOf(rest[at + 1]!));
  }
  if (/^(?:env|sudo|nohup|exec|time|wsl|dotenv|dotenvx|direnv)$/.test(name)) {
    const at = rest.findIndex(
      ({ text }, i) => !text.startsWith('-') && !/^\w+=/.test(text) && !/^-[ef]$/.test(rest[i - 1]?.text ?? ''),
    );
    return at === -1 ? command : unwrapped(rest.slice(at));
  }
  return command;
}

/** Words of a script up to the first operator. What comes after is another program. */
function wordsOf(script: Word): readonly Word[] {
  const parts = [...script.text.matchAll(/&&|\|\||[;|&]|(?:[^\s"';|&]|"(?:[^"\\]|\\.)*"|'[^']*')+/g)].map(
    ([part]) => part,
  );
  const commands = parts.reduce<string[][]>(
    (all, part) => {
      if (/^(?:&&|\|\||[;|&])$/.test(part)) all.push([]);
      else all.at(-1)!.push(part.replace(/^(["'])([\s\S]*)\1$/, '$2'));
      return all;
    },
    [[]],
  );
  // `cd x && npx y`: the last one stays.
  const words = (commands.findLast((one) => one.length > 0) ?? []).filter(
    (word, i, all) => !/^\w+=/.test(word) || all.slice(0, i).some((one) => !/^\w+=/.test(one)),
  );
  return words.map((text) => ({ text, place: script.place }));
}

/** `npx` of `C:\\x\\npx.cmd`. */
export function programName(path: string): string {
  return path
    .split(/[/\\]/)
    .at(-1)!
    .replace(/\.(?:exe|cmd|bat|ps1)$/i, '');
}

/** What is fetched when the server starts; null when it runs what is installed. */
export function fetchedBy(command: readonly Word[]): Fetched | null {
  const [program, ...rest] = unwrapped(command);
  if (program === undefined) return null;
  const name = programName(program.text);
  const verb = rest[0]?.text;
  if (name === 'npx' || name === 'pnpx' || name === 'bunx') return npm(name, rest);
  if (
    (name === 'npm' && (verb === 'exec' || verb === 'x')) ||
    ((name === 'pnpm' || name === 'yarn') && verb === 'dlx') ||
    (name === 'bun' && verb === 'x')
  )
    return npm(`${name} ${verb}`, rest.slice(1));
  if (name === 'uvx') return python(name, rest);
  if (name === 'uv' && verb === 'tool' && rest[1]?.text === 'run') return python('uv tool run', rest.slice(2));
  if (name === 'pipx' && verb === 'run') return python('pipx run', rest.slice(1));
  if ((name === 'docker' || name === 'podman' || name === 'nerdctl') && verb === 'run')
    return image(name, rest.slice(1));
  if (name === 'deno' && verb === 'run') return deno(rest.slice(1));
  return null;
}

function npm(runner: string, words: readonly Word[]): Fetched | null {
  if (words.some(({ text }) => /^--no(?:-install)?$|^--offline$/.test(text))) return null;
  const spec =
    optionValue(words, ['-p', '--package']) ??
    firstPlain(words, ['-p', '--package', '-c', '--call', '--registry', '--cache', '--prefix', '-w', '--workspace']);
  if (spec === null || isLocal(spec.text)) return null;
  return { kind: 'npm', runner, spec, pinned: isExactNpm(spec.text) };
}

function isExactNpm(spec: string): boolean {
  const version = /^(?:@[^/@]+\/)?[^/@:]+@(?:npm:(?:@[^/@]+\/)?[^/@]+@)?(.+)$/.exec(spec)?.[1];
  if (version !== undefined) return /^v?[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/.test(version);
  return /#[0-9a-f]{40}$/.test(spec);
}

const PYTHON_VALUED = [
  '--from',
  '--with',
  '--python',
  '-p',
  '--index-url',
  '--extra-index-url',
  '--default-index',
  '--index',
  '--directory',
  '--cache-dir',
  '--with-editable',
  '--spec',
  '--pip-args',
];

function python(runner: string, words: readonly Word[]): Fetched | null {
  const spec = optionValue(words, ['--from', '--spec']) ?? firstPlain(words, PYTHON_VALUED);
  if (spec === null || isLocal(spec.text)) return null;
  const { text } = spec;
  const pinned = /^git\+/.test(text)
    ? /@[0-9a-f]{40}(?:[#?]|$)/.test(text)
    : /(?:===?|@)v?[0-9]+(?:\.[0-9]+)+[0-9a-z.+-]*$/i.test(text);
  return { kind: 'python', runner, spec, pinned };
}

const IMAGE_SWITCHES =
  /^(?:-[itdPqTI]+|--(?:rm|init|interactive|tty|detach|privileged|read-only|publish-all|no-healthcheck|oom-kill-disable|quiet|sig-proxy|disable-content-trust|replace|tls-verify))$/;

/** Words of `docker run` before the image, and the image. */
export function containerOptions(words: readonly Word[]): {
  readonly options: readonly Word[];
  readonly image: Word | null;
} {
  for (let i = 0; i < words.length; i++) {
    const { text } = words[i]!;
    if (!text.startsWith('-')) return { options: words.slice(0, i), image: words[i]! };
    const isWhole = IMAGE_SWITCHES.test(text) || text.includes('=') || /^-[evpu].+/.test(text);
    if (!isWhole) i++;
  }
  return { options: words, image: null };
}

function image(runner: string, words: readonly Word[]): Fetched | null {
  const { image: spec } = containerOptions(words);
  if (spec === null) return null;
  const tag = /:([^/:@]+)$/.exec(spec.text)?.[1];
  // A tag can be moved, yet a version is not moved by accident; `latest` and its like are made for moving.
  const pinned = /@sha256:[0-9a-f]{64}$/.test(spec.text) || (tag !== undefined && /[0-9]/.test(tag));
  return { kind: 'image', runner: `${runner} run`, spec, pinned };
}

function deno(words: readonly Word[]): Fetched | null {
  const spec = words.find(({ text }) => !text.startsWith('-'));
  if (spec === undefined || !/^(?:npm:|jsr:|https?:)/.test(spec.text)) return null;
  const pinned = /^https?:/.test(spec.text)
    ? /@v?[0-9]+\.[0-9]+\.[0-9]+/.test(spec.text)
    : isExactNpm(spec.text.replace(/^(?:npm|jsr):\/?/, ''));
  return { kind: 'deno', runner: 'deno run', spec, pinned };
}

function isLocal(spec: string): boolean {
  return /^(?:\.{0,2}\/|~\/|[A-Za-z]:[\\/]|file:|\.{1,2}$)/.test(spec) || spec.includes('${');
}

function optionValue(words: readonly Word[], names: readonly string[]): Word | null {
  for (const [i, word] of words.entries()) {
    const joined = names.find((name) => word.text.startsWith(`${name}=`));
    if (joined !== undefined) return { ...word, text: word.text.slice(joined.length + 1) };
    if (names.includes(word.text)) return words[i + 1] ?? null;
  }
  return null;
}

function firstPlain(words: readonly Word[], valued: readonly string[]): Word | null {
  return words.find(({ text }, i) => !text.startsWith('-') && !valued.includes(words[i - 1]?.text ?? '')) ?? null;
}

/** Addresses among the arguments: what `mcp-remote` and other bridges talk to. */
export function bridgedUrls({ command }: ConfiguredServer): readonly Word[] {
  const words = unwrapped(command);
  const isBridge = words.some(({ text }) =>
    /(?:^|\/)(?:mcp-remote|mcp-proxy|supergateway|mcp-bridge|fastmcp-proxy|mcp-client-bridge)(?:@|$)/.test(text),
  );
  if (!isBridge) return [];
  return words.filter(({ text }) => /^https?:\/\//.test(text));
}
