// Which act does a tool's name speak of, and which part does an argument play? Words for a first draft only: they are the server's
// own, so whatever they do not settle counts as the worst that is still plausible, and nothing is drafted below risk 1 (rules §3.6).

import type { ToolManifest } from './manifest-schema.ts';

type Effect = ToolManifest['effect'];
export type ArgumentRule = NonNullable<ToolManifest['args']>[string];

export interface Act {
  readonly effect: Effect;
  readonly risk: number;
  /** Empty: in scope of any prompt. */
  readonly intent: readonly string[];
}

/** A word that ends in `*` is a stem. Of several acts the riskiest counts, of equal ones the first; each adds its intent words. */
const ACTS: readonly (Act & { readonly words: string })[] = [
  {
    words:
      'delet* remov* drop* destroy* purg* eras* wip* truncat* terminat* kill* uninstall* unlink* kick* ban* expel*',
    ...{ effect: 'destroy', risk: 5 },
    intent: ['delet*', 'remov*', 'eras*', 'drop*', 'purg*', 'wip*', 'clear*', 'get rid of'],
  },
  {
    words: 'exec* run shell eval* command* script* bash terminal',
    ...{ effect: 'destroy', risk: 5 },
    intent: ['run', 'running', 'execut*', 'start*', 'launch*'],
  },
  {
    words: 'password* credential* secret* token tokens apikey otp mfa revok*',
    ...{ effect: 'account', risk: 5 },
    intent: ['password*', 'credential*', 'secret*', 'token*', 'revok*', 'rotat*', 'reset*'],
  },
  {
    words:
      'pay* transfer* refund* charg* purchas* buy* donat* withdraw* checkout money transaction* invoic* salar* payroll',
    ...{ effect: 'money', risk: 4 },
    intent: [
      'pay*',
      'transfer*',
      'send',
      'sending',
      'wire',
      'refund*',
      'buy*',
      'purchas*',
      'order*',
      'donat*',
      'reimburs*',
    ],
  },
  {
    words: 'invit* shar* grant* permission* collaborator* member* join* subscrib*',
    ...{ effect: 'membership', risk: 4 },
    intent: ['invit*', 'shar*', 'grant*', 'add', 'adding', 'join*', 'give access'],
  },
  {
    words: 'publish* post* deploy* releas* tweet* upload* broadcast*',
    ...{ effect: 'publish', risk: 4 },
    intent: ['publish*', 'post*', 'deploy*', 'releas*', 'upload*', 'put online'],
  },
  {
    words: 'send* repl* forward* mail* email* sms messag* notif* comment* dm',
    ...{ effect: 'message', risk: 4 },
    intent: [
      'send*',
      'mail*',
      'email*',
      'e-mail*',
      'writ*',
      'repl*',
      'answer*',
      'forward*',
      'messag*',
      'notif*',
      'tell',
      'inform*',
    ],
  },
  {
    words: 'account* profile* user* identit*',
    effect: 'account',
    risk: 4,
    intent: ['account*', 'profile*', 'chang*', 'updat*'],
  },
  {
    words: 'schedul* book* reserv* arrang*',
    ...{ effect: 'write', risk: 2 },
    intent: ['schedul*', 'book*', 'reserv*', 'arrang*', 'plan*', 'set up'],
  },
  {
    words: 'mov* renam* copy* archiv*',
    ...{ effect: 'write', risk: 2 },
    intent: ['mov*', 'renam*', 'copy*', 'archiv*', 'put'],
  },
  {
    words:
      'updat* edit* set modif* patch* chang* replac* toggl* enabl* disabl* mark* assign* cancel* merg* reset* start* stop*',
    ...{ effect: 'write', risk: 2 },
    intent: [
      'updat*',
      'edit*',
      'set',
      'setting',
      'modif*',
      'chang*',
      'replac*',
      'correct*',
      'fix*',
      'cancel*',
      'mark*',
      'assign*',
    ],
  },
  {
    words: 'creat* writ* add* insert* put sav* append* commit* branch* make stor* register* record*',
    ...{ effect: 'write', risk: 2 },
    intent: ['creat*', 'writ*', 'add*', 'insert*', 'sav*', 'append*', 'commit*', 'mak*', 'stor*', 'note', 'record*'],
  },
  { words: 'fetch* brows* crawl* scrap* download* navigat* url web* http*', effect: 'network', risk: 1, intent: [] },
  {
    words:
      'get list* read* search* find* show* view* describ* count* status check* look* quer* calculat* convert* diff* log info tree echo',
    ...{ effect: 'read', risk: 1 },
    intent: [],
  },
];

/** Nothing says what it does. */
export const UNKNOWN: Act = { effect: 'publish', risk: 4, intent: [] };

/** A name that begins by reading is about what it reads: `list_orders` orders nothing. */
const READING = /^(?:get|list|read|search|find|show|view|describe|count|check|look|query|fetch)/;
const ALWAYS = new Set<Effect>(['destroy', 'account']);

export function wordsIn(text: string): readonly string[] {
  const apart = text.replace(/(\p{Ll}|\p{N})(?=\p{Lu})/gu, '$1 ').toLowerCase();
  return apart.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Null where no word is known. */
export function actOf(words: readonly string[]): Act | null {
  const found = ACTS.filter(({ words: known }) =>
    known.split(' ').some((one) => words.some((word) => isWord(one, word))),
  );
  const reading = READING.test(words[0] ?? '');
  const counted = reading
    ? found.filter(({ effect, risk }) => risk === 1 || (ALWAYS.has(effect) && risk === 5))
    : found;
  const worst = counted.toSorted((a, b) => b.risk - a.risk)[0];
  if (worst === undefined) return null;
  const { effect, risk } = worst;
  return { effect, risk, intent: risk === 1 ? [] : [...new Set(counted.flatMap(({ intent }) => intent))] };
}

function isWord(known: string, word: string): boolean {
  return known.endsWith('*') ? word.startsWith(known.slice(0, -1)) : word === known;
}

interface Shape {
  readonly type: string | null;
  readonly format: string | null;
  readonly isChoice: boolean;
}

/** `sure`: name, format or type settle it; otherwise it is a target, which is the most that a rule asks of an argument. */
export function roleOf(
  name: string,
  { type, format, isChoice }: Shape,
  act: Act,
): { readonly rule: ArgumentRule; readonly sure: boolean } {
  const words = wordsIn(name);
  const is = (pattern: RegExp) => words.some((word) => pattern.test(word));
  const sure = (rule: ArgumentRule) => ({ rule, sure: true });
  if (format === 'email' || is(/^(?:e?mails?|cc|bcc|attendees?|participants?|invitees?)$/))
    return sure({ role: 'target', type: 'email' });
  if (act.effect === 'message' && /^(?:to|from)$/i.test(name))
    return { rule: { role: 'target', type: 'email' }, sure: false };
  if (is(/^iban$/)) return sure({ role: 'target', type: 'iban' });
  if (format === 'uri' || format === 'url' || is(/^(?:urls?|uris?|links?|href|endpoint|webhook)$/))
    return sure({ role: 'target', type: 'url' });
  if (format === 'date' || format === 'date-time' || is(/^(?:date|day|deadline|due|datetime|timestamp)$/))
    return sure(
      type === 'string' || type === null ? { role: 'date', type: 'date' } : { role: 'value', type: 'number' },
    );
  if (is(/^(?:ids?|uuid|guid|number|account|iban|sha|ref|revision)$/) && type !== 'boolean')
    return sure({ role: 'target', type: 'id' });
  if (is(/^(?:path|paths|file|files|filename|dir|directory|folder|source|destination)$/))
    return sure({ role: 'target', type: 'text' });
  const isPaging = is(/^(?:limit|offset|page|cursor|per|max|head|tail|sort|order|format|verbose|pretty)$/);
  if (isPaging && act.risk <= 1) return sure({ role: 'ignored' });
  if (is(/^(?:body|content|contents|text|message|subject|title|description|note|notes|comment|summary|html|markdown)$/))
    return sure({ role: 'payload', type: 'text' });
  if (type === 'number' || type === 'integer' || is(/^(?:amount|price|total|quantity)$/))
    return sure({ role: 'value', type: 'number' });
  // A switch or a choice of the server's own words leads nowhere, but `visibility: public` is one.
  if (type === 'boolean' || isChoice) return { rule: { role: 'value', type: 'text' }, sure: false };
  return { rule: { role: 'target', type: 'text' }, sure: false };
}
