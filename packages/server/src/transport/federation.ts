// Partners: trust domains whose bundles we follow. Each is held apart and speaks for itself alone; the newest that was seen is kept
// across restarts and outages, never replaced by an older one, and an empty one means that its domain is trusted no more.

import { join } from 'node:path';
import { type Bundle, readBundle, trustDomainOf, utf8 } from '@writ/core';
import { type EndpointProfile, fetchBundle } from './federation-fetch.ts';
import { openPrivateFolder, readPrivateFile, replacePrivateFile } from './tls-files.ts';

export interface Partner {
  readonly trustDomain: string;
  readonly url: string;
  readonly profile: EndpointProfile;
  /** Bundle document to begin with; needed for `https_spiffe`. */
  readonly bootstrap: string | null;
}

export interface Federation {
  /** By trust domain; without those whose bundle nobody has seen yet. */
  bundles(): ReadonlyMap<string, Bundle>;
  /** Asks every partner whose time has come; with `all` everyone. */
  poll(options?: { readonly all: boolean }): Promise<void>;
  close(): void;
}

export interface FederationOptions {
  readonly partners: readonly Partner[];
  /** Folder of the bundles that were seen. */
  readonly dir: string;
  /** Roots of our own trust domain: an endpoint may live in it. */
  readonly ownRoots: () => readonly Uint8Array[];
  readonly trustDomain: string;
  readonly clock: { nowSeconds(): number };
  /** A bundle is another than before. */
  onChange(trustDomain: string): void;
  /** A sentence for the operator, once for as long as it stays true. */
  onProblem(trustDomain: string, says: string): void;
  suffix(): string;
  /** How often the clock is looked at. Default: a second. */
  readonly lookMillis?: number;
}

interface Held {
  readonly partner: Partner;
  bundle: Bundle | null;
  text: string | null;
  nextSeconds: number;
  problem: string | null;
}

/** SPIFFE Federation §5.2.3: five minutes where the publisher gives no hint. */
const usualSeconds = 300;
const refreshSecondsMax = 24 * 3600;

/** Throws a sentence for the operator about a bundle file that cannot be read. */
export async function openFederation(options: FederationOptions): Promise<Federation> {
  const { clock, dir, onChange, onProblem } = options;
  if (options.partners.length > 0) await openPrivateFolder(dir);
  const fileOf = ({ trustDomain }: Partner) => join(dir, `${trustDomain}.json`);
  const held = await Promise.all(options.partners.map((partner) => openPartner(partner, fileOf(partner))));
  const bundles = () =>
    new Map(held.flatMap(({ partner, bundle }) => (bundle ? [[partner.trustDomain, bundle] as const] : [])));

  function rootsFor({ profile }: Partner): readonly Uint8Array[] {
    if (profile.kind === 'https_web') return [];
    const domain = trustDomainOf(profile.endpointId);
    return domain === options.trustDomain ? options.ownRoots() : (bundles().get(domain)?.roots ?? []);
  }

  async function look(one: Held): Promise<void> {
    const { partner } = one;
    const fetched = await fetchBundle(partner.url, partner.profile, rootsFor(partner), clock);
    const problem = typeof fetched === 'string' ? fetched : staleness(fetched.bundle, one.bundle);
    const interval =
      (typeof fetched === 'string' ? one.bundle?.refreshSeconds : fetched.bundle.refreshSeconds) ?? usualSeconds;
    one.nextSeconds = clock.nowSeconds() + Math.min(Math.max(1, interval), refreshSecondsMax);
    if (problem !== null && problem !== one.problem) onProblem(partner.trustDomain, problem);
    one.problem = problem;
    if (problem !== null || typeof fetched === 'string' || fetched.text === one.text) return;
    await replacePrivateFile(fileOf(partner), fetched.text, options.suffix());
    one.bundle = fetched.bundle;
    one.text = fetched.text;
    onChange(partner.trustDomain);
  }

  let looking: Promise<unknown> = Promise.resolve();
  const poll = ({ all } = { all: false }): Promise<void> => {
    // One after another: a slow partner is not asked twice at once.
    const next = looking.then(async () => {
      const due = held.filter((one) => all || one.nextSeconds <= clock.nowSeconds());
      await Promise.all(due.map(look));
    });
    looking = next.catch(() => {});
    return next;
  };
  const timer = setInterval(() => {
    poll().catch((error: unknown) => onProblem('', error instanceof Error ? error.message : String(error)));
  }, options.lookMillis ?? 1000).unref();
  return { bundles, poll, close: () => clearInterval(timer) };
}

/** What was seen last counts before what the operator brought, unless that is newer. */
async function openPartner(partner: Partner, file: string): Promise<Held> {
  const seen = await readPrivateFile(file);
  const texts = [seen, partner.bootstrap].filter((text) => text !== null);
  const read = texts.map((text) => ({ text, bundle: readBundle(utf8(text)) }));
  const bad = read.find(({ bundle }) => typeof bundle === 'string');
  if (bad) {
    const where = bad.text === seen ? `\`${file}\`` : `the bundle given for \`${partner.trustDomain}\``;
    throw new Error(`${where} is no bundle: ${bad.bundle as string}`);
  }
  const [first, second] = read as { text: string; bundle: Bundle }[];
  const best = first && second && (second.bundle.sequence ?? 0) > (first.bundle.sequence ?? 0) ? second : first;
  return { partner, bundle: best?.bundle ?? null, text: best?.text ?? null, nextSeconds: 0, problem: null };
}

/** Trust Domain and Bundle §4.1.1: the sequence only rises. */
function staleness({ sequence }: Bundle, held: Bundle | null): string | null {
  const before = held?.sequence ?? null;
  if (before === null || (sequence !== null && sequence >= before)) return null;
  return `its endpoint answers with a bundle older than the one that is held (${sequence ?? 'no sequence'}, not ${before} or more)`;
}
