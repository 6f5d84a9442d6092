// Every secret of a scan with what is known about the file it lies in: since when it is in git, and who may read it.

import type { ConfiguredServer } from './configuration.ts';
import { statOf } from './find-files.ts';
import type { ScannedFile } from './finding.ts';
import type { AskHistory } from './git-age.ts';
import { readText } from './read-config.ts';
import { envFilesOf, readEnvFile } from './read-env-file.ts';
import type { KeptSecret, ReadFile } from './rule.ts';
import { type PlacedSecret, secretsOf } from './secret-places.ts';
import { secretsIn } from './secrets.ts';

export interface Surroundings {
  readonly clock: { nowSeconds(): number };
  readonly history: AskHistory;
  /** `~` in configurations. */
  readonly homeFolder: string;
}

export interface Kept {
  readonly kept: readonly KeptSecret[];
  readonly envFiles: readonly ScannedFile[];
}

/** From configurations, and from the `.env` files that they or the person named. */
export async function keptSecrets(
  files: readonly ReadFile[],
  servers: readonly ConfiguredServer[],
  named: readonly string[],
  { clock, history: askHistory, homeFolder }: Surroundings,
): Promise<Kept> {
  const kept: KeptSecret[] = [];
  const keep = async (client: string, isEnvFile: boolean, one: PlacedSecret) => {
    const { file, line } = one.place;
    const history = await askHistory(file, line);
    const ageDays =
      history.sinceSeconds === null
        ? null
        : Math.max(0, Math.floor((clock.nowSeconds() - history.sinceSeconds) / 86_400));
    const isReadableByOthers = process.platform !== 'win32' && ((statOf(file)?.mode ?? 0) & 0o044) !== 0;
    kept.push({ ...one, client, file, isEnvFile, history, ageDays, isReadableByOthers });
  };
  for (const { configuration } of files)
    if (configuration !== null)
      for (const one of secretsOf(configuration)) await keep(configuration.client, false, one);

  const holders = new Map<string, ConfiguredServer | null>(named.map((file) => [file, null]));
  for (const server of servers)
    for (const file of envFilesOf(server, homeFolder)) if (!holders.has(file)) holders.set(file, server);
  const envFiles: ScannedFile[] = [];
  for (const [file, server] of holders) {
    const text = statOf(file)?.isFile() ? readText(file) : null;
    if (text === null) continue;
    envFiles.push({ client: server?.client ?? 'env', file });
    for (const { name, text: value, place } of readEnvFile(file, text))
      for (const secret of secretsIn(name, value))
        await keep(server?.client ?? 'env', true, { secret, place, where: 'environment', key: name, server });
  }
  return { kept, envFiles };
}
