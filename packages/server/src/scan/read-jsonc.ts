// JSON as editors and agents write it: comments, trailing commas and a byte order mark are let through, since a scanner that
// is stricter than the program would miss what the program runs. Keeps where everything stands.

import { type Member, type Node, type Reading, readingOf, Unreadable } from './document.ts';

const depthMax = 100;

export function readJsonc(text: string): Reading {
  return readingOf(() => {
    const cursor = { text, at: text.startsWith('\ufeff') ? 1 : 0 };
    const root = value(cursor, 0);
    space(cursor);
    if (cursor.at !== text.length) throw new Unreadable('something follows the value', cursor.at);
    return root;
  });
}

interface Cursor {
  readonly text: string;
  at: number;
}

// Runs of ordinary characters, so that a text of megabytes costs no backtracking.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters may not stand in a JSON text
const PLAIN = /[^"\\\u0000-\u0008\u000a-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const SPACE = /(?:[ \t\r\n]+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;
const WORDS: readonly (readonly [string, boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

function matched(cursor: Cursor, form: RegExp): string | null {
  form.lastIndex = cursor.at;
  const found = form.exec(cursor.text)?.[0];
  if (found === undefined) return null;
  cursor.at += found.length;
  return found;
}

function space(cursor: Cursor): void {
  matched(cursor, SPACE);
}

function value(cursor: Cursor, depth: number): Node {
  if (depth > depthMax) throw new Unreadable('it is nested too deeply', cursor.at);
  space(cursor);
  const start = cursor.at;
  const first = cursor.text[start];
  if (first === '{') return map(cursor, depth);
  if (first === '[') return list(cursor, depth);
  if (first === '"') return { kind: 'text', value: text(cursor), start, end: cursor.at };
  const word = WORDS.find(([one]) => cursor.text.startsWith(one, start));
  if (word !== undefined) {
    cursor.at += word[0].length;
    return { kind: 'plain', value: word[1], start, end: cursor.at };
  }
  const number = matched(cursor, NUMBER);
  if (number === null) throw new Unreadable('a value is missing or is not JSON', start);
  return { kind: 'plain', value: Number(number), start, end: cursor.at };
}

function text(cursor: Cursor): string {
  const start = cursor.at++;
  do matched(cursor, PLAIN);
  while (matched(cursor, ESCAPE) !== null);
  if (!take(cursor, '"')) throw new Unreadable('a text does not end', start);
  // A tab inside a text is let through by the editors' readers.
  return JSON.parse(cursor.text.slice(start, cursor.at).replaceAll('\t', '\\t')) as string;
}

function map(cursor: Cursor, depth: number): Node {
  const start = cursor.at++;
  const members: Member[] = [];
  for (;;) {
    space(cursor);
    if (take(cursor, '}')) return { kind: 'map', members, start, end: cursor.at };
    const nameStart = cursor.at;
    if (cursor.text[nameStart] !== '"') throw new Unreadable('a name in quotes is missing', nameStart);
    const name = text(cursor);
    space(cursor);
    if (!take(cursor, ':')) throw new Unreadable('a colon is missing', cursor.at);
    members.push({ name, nameStart, value: value(cursor, depth + 1) });
    comma(cursor, '}');
  }
}

function list(cursor: Cursor, depth: number): Node {
  const start = cursor.at++;
  const items: Node[] = [];
  for (;;) {
    space(cursor);
    if (take(cursor, ']')) return { kind: 'list', items, start, end: cursor.at };
    items.push(value(cursor, depth + 1));
    comma(cursor, ']');
  }
}

function comma(cursor: Cursor, close: string): void {
  space(cursor);
  if (!take(cursor, ',') && cursor.text[cursor.at] !== close) throw new Unreadable('a comma is missing', cursor.at);
}

function take(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at++;
  return true;
}
