// `writ scan` in this process, with channels that remember.

import { runWrit } from '../../packages/server/src/cli/run-writ.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Channels = Parameters<typeof runWrit>[1];

export async function runScan(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const said = { stdout: '', stderr: '' };
  const channel = (name: keyof typeof said) => ({
    isTTY: false,
    write: (text: string) => {
      said[name] += text;
      return true;
    },
  });
  const channels = { stdout: channel('stdout'), stderr: channel('stderr'), stdin: { isTTY: false }, env };
  const exitCode = await runWrit(['scan', ...words], channels as unknown as Channels, '0.0.0-test');
  return { exitCode, ...said };
}

export interface ScanJson {
  readonly version: string;
  readonly scanned: readonly { readonly client: string; readonly file: string }[];
  readonly findings: readonly {
    readonly id: string;
    readonly rule: string;
    readonly severity: string;
    readonly file: string | null;
    readonly line: number | null;
    readonly says: string;
    readonly evidence: string;
    readonly fix: string;
  }[];
  readonly probes: readonly { readonly url: string; readonly result: string; readonly detail: string }[];
}

/** The JSON answer. */
export async function scanned(
  words: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<ScanJson & { readonly stderr: string }> {
  const { stdout, stderr } = await runScan([...words, '--json'], env);
  return { ...(JSON.parse(stdout) as ScanJson), stderr };
}
