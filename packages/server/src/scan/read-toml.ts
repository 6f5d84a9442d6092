// TOML 1.0 as far as configurations of agents use it, into the same tree as JSON. Tolerant where a scanner may be: a table that
// is defined twice is one table, and a date stays text.

import { type Member, type Node, type Reading, readingOf, Unreadable } from './document.ts';

interface Cursor {
  readonly text: string;
  at: number;
}

interface Key {
  readonly name: string;
  readonly start: number;
}

interface Table {
  readonly kind: 'map';
  readonly members: Member[];
  readonly start: number;
  end: number;
}

const BARE = /[A-Za-z0-9_-]+/y;
const BASIC = /"(?:[^"\\\n]|\\.)*"/y;
const LITERAL = /'[^'\n]*'/y;
const BASIC_LONG = /"""(?:[^\\]|\\[\s\S])*?"""(?:"{0,2}(?!"))/y;
const LITERAL_LONG = /'''[\s\S]*?'''(?:'{0,2}(?!'))/y;
const BLANK = /[ \t]*/y;
const SPACE = /(?:[ \t\r\n]+|#[^\n]*)*/y;
const REST = /[ \t]*(?:#[^\n]*)?(?:\r?\n|$)/y;
const WORD = /[A-Za-z0-9+\-_.:]+(?: [0-9]{2}:[0-9:.+\-Z]+)?/y;
const depthMax = 100;

export function readToml(text: string): Reading {
  return readingOf(() => {
    const cursor: Cursor = { text, at: text.startsWith('\ufeff') ? 1 : 0 };
    const root: Table = { kind: 'map', members: [], start: 0, end: text.length };
    let here = root;
    for (matched(cursor, SPACE); cursor.at < text.length; matched(cursor, SPACE)) {
      if (text[cursor.at] === '[') here = header(cursor, root);
      else assign(cursor, here, 0);
      if (matched(cursor, REST) === null) throw new Unreadable('the line goes on after its value', cursor.at);
    }
    return root;
  });
}

function header(cursor: Cursor, root: Table): Table {
  const isList = cursor.text.startsWith('[[', cursor.at);
  cursor.at += isList ? 2 : 1;
  const keys = dottedKey(cursor);
  const close = isList ? ']]' : ']';
  if (!cursor.text.startsWith(close, cursor.at)) throw new Unreadable('a table name does not end', cursor.at);
  cursor.at += close.length;
  const last = keys.at(-1)!;
  const parent = keys.slice(0, -1).reduce(tableUnder, root);
  if (!isList) return tableUnder(parent, last);
  const entry: Table = { kind: 'map', members: [], start: last.start, end: cursor.at };
  const list = parent.members.find(({ name }) => name === last.name)?.value;
  if (list?.kind === 'list') (list.items as Node[]).push(entry);
  else parent.members.push(memberOf(last, { kind: 'list', items: [entry], start: last.start, end: cursor.at }));
  return entry;
}

function tableUnder(table: Table, key: Key): Table {
  const found = table.members.find(({ name }) => name === key.name)?.value;
  const last = found?.kind === 'list' ? found.items.at(-1) : found;
  if (last?.kind === 'map') return last as Table;
  if (last !== undefined) throw new Unreadable(`\`${key.name}\` is a value and a table`, key.start);
  const made: Table = { kind: 'map', members: [], start: key.start, end: key.start + key.name.length };
  table.members.push(memberOf(key, made));
  return made;
}

function memberOf(key: Key, value: Node): Member {
  return { name: key.name, nameStart: key.start, value };
}

function assign(cursor: Cursor, table: Table, depth: number): void {
  const keys = dottedKey(cursor);
  if (cursor.text[cursor.at] !== '=') throw new Unreadable('`=` is missing', cursor.at);
  cursor.at++;
  const target = keys.slice(0, -1).reduce(tableUnder, table);
  target.members.push(memberOf(keys.at(-1)!, value(cursor, depth)));
}

function dottedKey(cursor: Cursor): Key[] {
  const keys: Key[] = [];
  do {
    matched(cursor, BLANK);
    const start = cursor.at;
    const bare = matched(cursor, BARE);
    const quoted = bare === null ? shortText(cursor) : null;
    if (bare === null && quoted === null) throw new Unreadable('a name is missing', start);
    keys.push({ name: bare ?? quoted!, start });
    matched(cursor, BLANK);
  } while (cursor.text[cursor.at] === '.' && ++cursor.at);
  return keys;
}

function value(cursor: Cursor, depth: number): Node {
  if (depth > depthMax) throw new Unreadable('it is nested too deeply', cursor.at);
  matched(cursor, BLANK);
  const start = cursor.at;
  const first = cursor.text[start];
  if (first === '[') return list(cursor, depth);
  if (first === '{') return inlineTable(cursor, depth);
  const text = longText(cursor) ?? shortText(cursor);
  if (text !== null) return { kind: 'text', value: text, start, end: cursor.at };
  const word = matched(cursor, WORD);
  if (word === null) throw new Unreadable('a value is missing', start);
  return { kind: 'plain', value: plain(word), start, end: cursor.at };
}

function plain(word: string): boolean | number | string {
  if (word === 'true' || word === 'false') return word === 'true';
  const number = Number(word.replaceAll('_', ''));
  return Number.isNaN(number) ? word : number;
}

function list(cursor: Cursor, depth: number): Node {
  const start = cursor.at++;
  const items: Node[] = [];
  for (;;) {
    matched(cursor, SPACE);
    if (cursor.text[cursor.at] === ']') return { kind: 'list', items, start, end: ++cursor.at };
    items.push(value(cursor, depth + 1));
    matched(cursor, SPACE);
    if (cursor.text[cursor.at] === ',') cursor.at++;
    else if (cursor.text[cursor.at] !== ']') throw new Unreadable('a list does not end', cursor.at);
  }
}

function inlineTable(cursor: Cursor, depth: number): Node {
  const table: Table = { kind: 'map', members: [], start: cursor.at++, end: 0 };
  for (;;) {
    matched(cursor, SPACE);
    if (cursor.text[cursor.at] === '}') break;
    assign(cursor, table, depth + 1);
    matched(cursor, SPACE);
    if (cursor.text[cursor.at] === ',') cursor.at++;
    else if (cursor.text[cursor.at] !== '}') throw new Unreadable('a table in braces does not end', cursor.at);
  }
  table.end = ++cursor.at;
  return table;
}

function shortText(cursor: Cursor): string | null {
  const literal = matched(cursor, LITERAL);
  if (literal !== null) return literal.slice(1, -1);
  const basic = matched(cursor, BASIC);
  return basic === null ? null : unescaped(basic.slice(1, -1));
}

function longText(cursor: Cursor): string | null {
  const literal = matched(cursor, LITERAL_LONG);
  if (literal !== null) return literal.slice(3, -3).replace(/^\r?\n/, '');
  const basic = matched(cursor, BASIC_LONG);
  if (basic === null) return null;
  return unescaped(
    basic
      .slice(3, -3)
      .replace(/^\r?\n/, '')
      .replace(/\\[ \t]*\r?\n\s*/g, ''),
  );
}

const ESCAPES: { readonly [letter: string]: string } = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\u001b' };

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g, (_all, short, long, letter) => {
    const code = short ?? long;
    if (code === undefined) return ESCAPES[letter] ?? letter;
    const point = Number.parseInt(code, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
  });
}

function matched(cursor: Cursor, form: RegExp): string | null {
  form.lastIndex = cursor.at;
  const found = form.exec(cursor.text)?.[0];
  if (found === undefined) return null;
  cursor.at += found.length;
  return found;
}
