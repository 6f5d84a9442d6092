// Reads a scenario: commands with what they must say, and the files they need. The format is described in README.md.

export interface Scenario {
  readonly steps: readonly Step[];
  readonly files: readonly { readonly name: string; readonly text: string }[];
}

export interface Step {
  /** From 1, for the message of a failure. */
  readonly line: number;
  readonly text: string;
  /** The line begins with `!`. */
  readonly negated: boolean;
  readonly verb: string;
  readonly words: readonly string[];
  /** The line ends with `&`. */
  readonly background: boolean;
  /** After `>`. */
  readonly into: string | null;
}

const fileLine = /^-- (\S+) --$/;

/** Throws with the line number when a line cannot be read. */
export function parseScenario(text: string): Scenario {
  const lines = text.split('\n');
  const firstFile = lines.findIndex((line) => fileLine.test(line));
  const commands = firstFile === -1 ? lines : lines.slice(0, firstFile);
  const files: { name: string; text: string }[] = [];
  for (const line of firstFile === -1 ? [] : lines.slice(firstFile)) {
    const name = fileLine.exec(line)?.[1];
    if (name !== undefined) files.push({ name, text: '' });
    else files.at(-1)!.text += `${line}\n`;
  }
  const steps = commands.flatMap((line, i) => (/^\s*(?:#|$)/.test(line) ? [] : [parseStep(line.trim(), i + 1)]));
  return { steps, files };
}

function parseStep(text: string, line: number): Step {
  const negated = text.startsWith('! ');
  const all = splitWords(negated ? text.slice(2) : text, line);
  const background = all.at(-1)?.bare === '&';
  const plain = background ? all.slice(0, -1) : all;
  const arrow = plain.findIndex(({ bare }) => bare === '>');
  const words = (arrow === -1 ? plain : plain.slice(0, arrow)).map(({ value }) => value);
  const into = arrow === -1 ? null : (plain[arrow + 1]?.value ?? null);
  const [verb, ...rest] = words;
  if (verb === undefined) throw new Error(`line ${line}: nothing to do`);
  return { line, text, negated, verb, words: rest, background, into };
}

interface Word {
  readonly value: string;
  /** Null when any of it was quoted. */
  readonly bare: string | null;
}

/** Words as a shell splits them: single quotes keep everything, double quotes keep spaces. */
function splitWords(text: string, line: number): Word[] {
  const words: Word[] = [];
  const piece = /'([^']*)'|"([^"]*)"|([^\s'"]+)/y;
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at += 1;
      continue;
    }
    let value = '';
    let quoted = false;
    while (at < text.length && !/\s/.test(text[at]!)) {
      piece.lastIndex = at;
      const found = piece.exec(text);
      if (!found) throw new Error(`line ${line}: a quote is not closed`);
      quoted ||= found[3] === undefined;
      value += found[1] ?? found[2] ?? found[3] ?? '';
      at = piece.lastIndex;
    }
    words.push({ value, bare: quoted ? null : value });
  }
  return words;
}
