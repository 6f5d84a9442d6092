// Asking the person at the terminal. Questions go to stderr, so that stdout stays the answer.

import { createInterface } from 'node:readline/promises';
import { usage } from './stop.ts';

/** One line, without the white space around it. */
export async function askLine(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(question)).trim();
  } finally {
    lines.close();
  }
}

/** One line from the terminal without showing it, or the first line of stdin when `fromStdin`. */
export async function askPassword(
  question: string,
  fromStdin: boolean,
  instead = '`--password-stdin` reads the password from stdin',
): Promise<string> {
  if (fromStdin) return firstLine();
  const { stdin, stderr } = process;
  if (!stdin.isTTY) throw usage(`there is no terminal to ask at; ${instead}`);
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  try {
    let typed = '';
    for await (const keys of stdin as AsyncIterable<string>) {
      for (const key of keys) {
        if (key === '\r' || key === '\n') return typed;
        // Ctrl-C and Ctrl-D: raw mode leaves them to us.
        if (key === '\u0003' || key === '\u0004') throw usage('nothing was typed');
        if (key === '\u007f' || key === '\b') typed = [...typed].slice(0, -1).join('');
        else typed += key;
      }
    }
    throw usage('nothing was typed');
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

async function firstLine(): Promise<string> {
  let text = '';
  for await (const part of process.stdin) {
    text += String(part);
    if (text.includes('\n') || text.length > 4096) break;
  }
  const line = text.split('\n', 1)[0]!.replace(/\r$/, '');
  if (line === '') throw usage('stdin holds no password in its first line');
  return line;
}
