// What a person reads before they pin: whole definitions that are new, the words that changed in those that are not, and every
// character that would not be seen spelled out (rules §3.7). All of it is an outsider's text.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { diffWordsWithSpace } from 'diff';
import { oddCharactersIn, withOddShown } from '../action/odd-characters.ts';
import { type Terminal, visible } from './terminal.ts';

type Paint = Terminal['paint'];

/** Empty where nothing needs a look. */
export function reviewText(shown: JsonObject, paint: Paint): string {
  const entries = objectsIn(shown.tools).filter(({ state }) => state !== 'reviewed');
  const refused = objectsIn(shown.refused);
  const fresh = entries.find(({ state }) => state === 'new' || state === 'changed');
  const instructions = typeof fresh?.instructions === 'string' ? fresh.instructions : null;
  const told = entries.flatMap(({ changes }) => objectsIn(changes)).find(({ pointer }) => pointer === '/instructions');
  const lines = [
    // They belong to each definition, and are shown once.
    ...(told ? changeLines(told, paint) : instructions === null ? [] : ['/instructions', ...linesOf(instructions)]),
    ...entries.flatMap((entry) => entryLines(entry, paint)),
    ...refused.map(({ name, says }) => `unusable ${shownWord(String(name))}: it ${visible(String(says))}`),
  ];
  if (entries.some(isOdd)) {
    lines.push(paint('red', 'characters that nobody sees, or letters that look like others, are spelled out as <U+…>'));
  }
  return lines.join('\n');
}

function objectsIn(value: JsonValue | undefined): readonly JsonObject[] {
  return (Array.isArray(value) ? value : []).filter(isJsonObject);
}

function isOdd({ definition, instructions }: JsonObject): boolean {
  return textsIn([definition ?? null, instructions ?? null]).some(oddCharactersIn);
}

function textsIn(value: JsonValue): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap((item) => textsIn(item as JsonValue));
  return isJsonObject(value) ? Object.entries(value).flatMap(([name, inner]) => [name, ...textsIn(inner)]) : [];
}

function entryLines({ state, name, definition, changes }: JsonObject, paint: Paint): readonly string[] {
  const head = `${String(state).padEnd(8)} ${paint('bold', shownWord(String(name)))}`;
  if (state === 'gone') return [`${head}: was reviewed, and the server lists it no more`];
  if (state === 'changed') {
    const own = objectsIn(changes).filter(({ pointer }) => pointer !== '/instructions');
    return [head, ...own.flatMap((change) => changeLines(change, paint))];
  }
  const { name: _, description, ...rest } = isJsonObject(definition) ? definition : {};
  return [
    head,
    ...(typeof description === 'string' ? linesOf(description) : []),
    ...Object.entries(rest).map(([key, value]) => `    ${shownWord(key)}: ${shownJson(value)}`),
  ];
}

/** `[-was-]{+is+}`, as `wdiff` and `git diff --word-diff` mark it. */
function changeLines({ pointer, was, is }: JsonObject, paint: Paint): readonly string[] {
  const marked = diffWordsWithSpace(textOf(was), textOf(is)).map(({ added, removed, value }) => {
    if (added) return paint('green', `{+${value}+}`);
    return removed ? paint('red', `[-${value}-]`) : value;
  });
  return [`    ${shownWord(String(pointer))}`, ...linesOf(marked.join(''), (line) => line)];
}

/** Spelled out before it is compared, so that a character nobody sees is a difference that everybody does. */
function textOf(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '';
  return withOddShown(typeof value === 'string' ? value : JSON.stringify(value));
}

function linesOf(text: string, shown: (line: string) => string = withOddShown): readonly string[] {
  return text.split(/\r\n|[\n\r]/).map((line) => `      ${plain(shown(line))}`);
}

/** Colours are ours and were put on before; what else could steer a terminal was spelled out. */
function plain(line: string): string {
  return line.replaceAll('\t', ' ');
}

function shownWord(text: string): string {
  return visible(withOddShown(text));
}

function shownJson(value: JsonValue): string {
  return withOddShown(JSON.stringify(value));
}
