// Asking every tool server what it offers, at start and every minute: only what is listed now, and was reviewed, can be called.

import type { Config } from '../config/config.ts';
import type { PolicyHolder } from './policy.ts';
import type { Upstreams } from './upstreams.ts';

export interface ObserveDeps {
  readonly config: Config;
  readonly upstreams: Upstreams;
  readonly policy: PolicyHolder;
  say(sentence: string): void;
  /** The demo's person accepts what is listed; everywhere else a person is shown it first. */
  readonly demo: string | null;
}

const startMillisMax = 5000;
const everyMillis = 60_000;

/** Resolves when every server was asked, or has had its time; goes on asking until stopped. */
export async function observeServers(deps: ObserveDeps): Promise<() => void> {
  const said = new Map<string, string>();
  const sayOnce = (server: string, sentence: string) => {
    if (said.get(server) !== sentence) deps.say(sentence);
    said.set(server, sentence);
  };
  const look = async (server: string) => {
    try {
      const { settled } = await deps.policy.pins.observe(server, await deps.upstreams.list(server));
      if (settled) return;
      if (deps.demo !== null) await accept(deps, server, deps.demo);
      else
        sayOnce(
          server,
          `\`${server}\` lists definitions nobody has reviewed; \`writ policy review ${server}\` shows and pins them`,
        );
    } catch (error) {
      sayOnce(
        server,
        `\`${server}\` could not be asked for its tools, so none can be called: ${String((error as Error).message)}`,
      );
    }
  };
  const all = () => Promise.all([...deps.config.servers.keys()].map(look));
  const timer = setInterval(() => void all(), everyMillis);
  timer.unref();
  const late = Promise.withResolvers<void>();
  const limit = setTimeout(late.resolve, startMillisMax);
  await Promise.race([all(), late.promise]);
  clearTimeout(limit);
  return () => clearInterval(timer);
}

async function accept({ policy }: ObserveDeps, server: string, by: string): Promise<void> {
  const review = await policy.pins.review(server);
  if (review) await policy.pins.accept(server, review.digest, by);
  await policy.reload();
}
