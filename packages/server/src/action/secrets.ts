// Everything the broker has ever handed out, so that it can be recognised where it must not stand: in arguments, in results,
// in a log (rules §3.11, §7.6). Values stay in memory here and leave by no function.

export interface Secrets {
  /** Remembers a value under the name of its credential; false when it is too short to be told from ordinary text. */
  add(value: string, name: string): boolean;
  /** Does the text hold one, as it is or written as JSON, percent, base64 or hex? */
  contains(text: string): boolean;
  /** Whose values stand in the text, by name. */
  namesIn(text: string): readonly string[];
  /** The text with a sign where a value stood; only the sign where it cannot be cut out. `signOf` is asked by name. */
  masked(text: string, signOf: (name: string) => string): string;
}

/** Below this a value would be found everywhere. */
export const secretCharsMin = 8;

/** A rotated credential is still a secret; those past this number are the oldest of many. */
const valuesMax = 1000;

interface Forms {
  readonly name: string;
  /** The value, as it is, in JSON, and its UTF-8 bytes, a character each: what percent-decoding gives. */
  readonly plain: readonly string[];
  /** What stays the same of it in base64 wherever it stands. */
  readonly base64: readonly string[];
  /** Compared in lower case: hex may be written either way. */
  readonly hex: string;
}

export function createSecrets(): Secrets {
  const known = new Map<string, Forms>();
  // A text without so long a run of base64 or hex holds no value so written: most texts, and then most forms need no look.
  let runChars = Number.POSITIVE_INFINITY;
  const found = (text: string): Forms[] => {
    if (known.size === 0) return [];
    const readings = readingsOf(text, runChars);
    return [...known.values()].filter((forms) => readings.some((reading) => holds(reading, forms)));
  };

  return {
    add(value, name) {
      if (value.length < secretCharsMin) return false;
      // Newest last, so that the oldest is the first to go.
      const before = known.get(value);
      known.delete(value);
      const forms = before?.name === name ? before : formsOf(value, name);
      runChars = Math.min(runChars, forms.hex.length, ...forms.base64.map(({ length }) => length));
      known.set(value, forms);
      if (known.size > valuesMax) known.delete(known.keys().next().value!);
      return true;
    },
    contains: (text) => found(text).length > 0,
    namesIn: (text) => [...new Set(found(text).map(({ name }) => name))],
    masked(text, signOf) {
      let masked = text;
      for (const { name, plain, base64, hex } of found(text)) {
        const sign = signOf(name);
        for (const form of [...plain, ...base64]) masked = masked.replaceAll(form, () => sign);
        masked = masked.replaceAll(new RegExp(hex, 'gi'), () => sign);
      }
      const left = found(masked)[0];
      return left ? signOf(left.name) : masked;
    },
  };
}

interface Reading {
  readonly text: string;
  /** In lower case where something may stand in it as base64 or hex, else null. */
  readonly folded: string | null;
}

/** The text as it is, and as what would read it: without escapes of JSON, of URLs, and without the line breaks of an encoder. */
function readingsOf(text: string, runChars: number): readonly Reading[] {
  const texts = [text];
  // Each twice, because JSON is carried in JSON, and a URL in a URL. Texts without such escapes are the many, and cost one look.
  for (const [sign, read] of readers) {
    for (let times = 0; times < 2 && sign.test(texts.at(-1)!); times++) texts.push(read(texts.at(-1)!));
  }
  for (const one of [...texts]) {
    if (apart.test(one) || (hasRun(one, lineChars) && wrapped.test(one)))
      texts.push(one.replace(/\\[nrt]|[\s:]+/g, ''));
  }
  return texts.map((one) => ({ text: one, folded: hasRun(one, runChars) ? one.toLowerCase() : null }));
}

const readers: readonly (readonly [sign: RegExp, read: (text: string) => string])[] = [
  [/\\[u/]/, unescaped],
  [/%[0-9a-fA-F]{2}/, percentDecoded],
];

/** A line of base64 that goes on in the next, in JSON or out of it. */
const lineChars = 16;
const wrapped = /[A-Za-z0-9+/_-]{16}(?:\\[nr]|[\r\n])/;
/** Bytes of hex apart. */
const apart = /[0-9a-fA-F]{2}[: ][0-9a-fA-F]{2}[: ][0-9a-fA-F]{2}[: ]/;

const runCodes = new Set(
  [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-'].map((one) => one.charCodeAt(0)),
);
const inRun = Uint8Array.from({ length: 128 }, (_, code) => (runCodes.has(code) ? 1 : 0));

/** Are there so many characters of base64 in a row? Looks at the end of each stretch first, so most characters are never read. */
function hasRun(text: string, chars: number): boolean {
  for (let end = chars - 1; end < text.length; ) {
    let at = end;
    while (at > end - chars && inRun[text.charCodeAt(at)]) at--;
    if (at === end - chars) return true;
    end = at + chars;
  }
  return false;
}

function holds({ text, folded }: Reading, { plain, base64, hex }: Forms): boolean {
  if (plain.some((form) => text.includes(form))) return true;
  return folded !== null && (base64.some((form) => text.includes(form)) || folded.includes(hex));
}

/** RFC 8259 §7: any character may be written as an escape. */
function unescaped(text: string): string {
  const short: { readonly [letter: string]: string } = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, code: string | undefined, letter: string) =>
    code === undefined ? (short[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** Every `%41` as the byte it stands for; a plain `%` stays. */
function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

function formsOf(value: string, name: string): Forms {
  const bytes = Buffer.from(value, 'utf8');
  const json = inJson(value);
  const plain = [...new Set([value, json, inJson(json), bytes.toString('latin1')])];
  return { name, plain, base64: [...new Set(base64Forms(bytes))], hex: bytes.toString('hex') };
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
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
