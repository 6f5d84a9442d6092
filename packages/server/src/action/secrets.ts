// Everything the broker has ever handed out, so that it can be recognised where it must not stand: in arguments, in results,
// in a log (rules §3.11, §7.6). Values stay in memory here and leave by no function.

export interface Secrets {
  /** Remembers a value; false when it is too short to be told from ordinary text. */
  add(value: string): boolean;
  /** Does the text hold one, as it is or written as JSON, percent, base64 or hex? */
  contains(text: string): boolean;
  /** For a body that comes in pieces: true as soon as what came so far holds one. */
  scanner(): (chunk: string) => boolean;
}

/** Below this a value would be found everywhere. */
export const secretCharsMin = 8;

/** A rotated credential is still a secret; those past this number are the oldest of many. */
const valuesMax = 1000;

interface Forms {
  readonly exact: readonly string[];
  /** Compared in lower case: hex and percent may be written either way. */
  readonly folded: readonly string[];
  readonly charsMax: number;
}

export function createSecrets(): Secrets {
  const known = new Map<string, Forms>();
  const contains = (text: string): boolean => {
    const folded = text.toLowerCase();
    for (const forms of known.values()) {
      if (forms.exact.some((form) => text.includes(form))) return true;
      if (forms.folded.some((form) => folded.includes(form))) return true;
    }
    return false;
  };
  const longest = (): number => Math.max(0, ...[...known.values()].map(({ charsMax }) => charsMax));

  return {
    add(value) {
      if (value.length < secretCharsMin) return false;
      // Newest last, so that the oldest is the first to go.
      known.delete(value);
      known.set(value, formsOf(value));
      if (known.size > valuesMax) known.delete(known.keys().next().value!);
      return true;
    },
    contains,
    scanner() {
      let tail = '';
      return (chunk) => {
        const text = tail + chunk;
        // What is split between two pieces lies within the last `longest` characters.
        tail = text.slice(-longest());
        return contains(text);
      };
    },
  };
}

function formsOf(value: string): Forms {
  const bytes = Buffer.from(value, 'utf8');
  const json = JSON.stringify(value).slice(1, -1);
  const exact = [...new Set([value, json, ...base64Forms(bytes)])];
  const folded = [...new Set([bytes.toString('hex'), percent(bytes, false), percent(bytes, true)])];
  return { exact, folded, charsMax: Math.max(...[...exact, ...folded].map((form) => form.length)) };
}

/** The part that is the same whatever stands before and after, for each of the three ways bytes can fall into groups. */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]);
    const whole = padded.subarray(0, padded.length - (padded.length % 3));
    const standard = whole.toString('base64').slice(before === 0 ? 0 : before + 1);
    const urlSafe = standard.replaceAll('+', '-').replaceAll('/', '_');
    return standard.length < secretCharsMin ? [] : [standard, urlSafe];
  });
}

/** Percent-encoding of all bytes, or of those that a URL component cannot carry. */
function percent(bytes: Buffer, all: boolean): string {
  const encode = (byte: number): string => `%${byte.toString(16).padStart(2, '0')}`;
  const plain = /[A-Za-z0-9_.~-]/;
  return [...bytes]
    .map((byte) =>
      !all && plain.test(String.fromCharCode(byte)) ? String.fromCharCode(byte).toLowerCase() : encode(byte),
    )
    .join('');
}
