// A strict reader of Prometheus' text format 0.0.4, written from its description and not from the library that writes it: every line is
// a comment it knows or a sample of a family it was told of; anything else throws.

export interface Sample {
  readonly name: string;
  readonly labels: { readonly [label: string]: string };
  readonly value: number;
}

export interface Scrape {
  /** By family: its kind. */
  readonly families: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
  /** Sum over the samples of this name that have these labels. */
  sum(name: string, labels?: { readonly [label: string]: string }): number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const COMMENT = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (NaN|[+-]Inf|[+-]?[0-9.]+(?:e[+-]?[0-9]+)?)$`, 'i');
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(,|$)/y;

export function readScrape(text: string): Scrape {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const comment = COMMENT.exec(line);
    if (comment) {
      if (comment[1] === 'TYPE') families.set(comment[2]!, comment[3]!);
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (!sample) throw new Error(`neither comment nor sample: ${line}`);
    const name = sample[1]!;
    if (!familyOf(name, families)) throw new Error(`no TYPE came before ${name}`);
    samples.push({ name, labels: labelsOf(sample[2] ?? ''), value: Number(sample[3]!.replace('Inf', 'Infinity')) });
  }
  const keys = samples.map(({ name, labels }) => JSON.stringify([name, labels]));
  if (new Set(keys).size !== keys.length) throw new Error('a series stands there twice');
  return {
    families,
    samples,
    sum: (name, labels = {}) =>
      samples
        .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
        .reduce((sum, { value }) => sum + value, 0),
  };
}

function familyOf(name: string, families: ReadonlyMap<string, string>): string | undefined {
  if (families.has(name)) return name;
  const base = /^(.*)_(?:bucket|sum|count)$/.exec(name)?.[1];
  return base !== undefined && families.get(base) === 'histogram' ? base : undefined;
}

function labelsOf(text: string): { readonly [label: string]: string } {
  const labels: { [label: string]: string } = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const found = LABEL.exec(text);
    if (!found) throw new Error(`labels that cannot be read: ${text}`);
    labels[found[1]!] = found[2]!.replace(/\\(.)/g, (_, mark: string) => (mark === 'n' ? '\n' : mark));
  }
  return labels;
}
