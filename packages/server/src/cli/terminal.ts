// The two channels of a command: its answer on stdout, everything else on stderr. Colour only where a person looks.

import { stripVTControlCharacters, styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

export interface Terminal {
  /** True with `--json`: one JSON value per answer, nothing for people on stdout. */
  readonly json: boolean;
  /** Somebody is there to be asked. */
  readonly interactive: boolean;
  /** The answer: as JSON with `--json`, else as text. */
  answer(value: unknown, text: () => string): void;
  /** Progress and hints, on stderr. */
  note(text: string): void;
  /** Text for stdout in colour, where colour is wanted. */
  paint(style: Style, text: string): string;
}

export interface Channels {
  readonly stdout: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>;
  readonly stderr: Pick<NodeJS.WriteStream, 'write'>;
  readonly stdin: Pick<NodeJS.ReadStream, 'isTTY'>;
  readonly env: NodeJS.ProcessEnv;
}

export function openTerminal(channels: Channels, json: boolean): Terminal {
  const { stdout, stderr, stdin, env } = channels;
  // https://no-color.org: present and not empty.
  const colour = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return {
    json,
    interactive: stdout.isTTY === true && stdin.isTTY === true,
    answer: (value, text) => {
      stdout.write(json ? `${JSON.stringify(value)}\n` : ended(text()));
    },
    note: (text) => {
      stderr.write(ended(text));
    },
    paint: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
  };
}

function ended(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** Columns under each other; the last one is not padded. Text of others loses its control characters. */
export function table(rows: readonly (readonly string[])[], gap = '  '): string {
  const shown = rows.map((row) => row.map(visible));
  const widths = shown.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)), []);
  return shown
    .map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join(gap))
    .join('\n');
}

/** What came over the network may not steer the terminal that shows it. */
export function visible(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\p{Bidi_Control}]/gu, '?');
}
