// What in a free text can act on its own: links, addresses, account numbers (rules §3.10). A text may be repeated; one of these
// leads somewhere. Found liberally, since a miss is a hole and a false find only asks; where each came from is provenance.ts.

import { dayOf } from './calendar.ts';
import { normal, type ValueType } from './typed-value.ts';
import { withoutEnd } from './url.ts';

export interface ActiveToken {
  readonly type: ValueType;
  readonly text: string;
}

/** More of them in one text are not counted one by one. */
export const activeTokensMax = 64;

// Pictures make host names too (`xn--…` in disguise), and what follows one may be a variation selector.
const SIGN = '\\p{L}\\p{N}\\p{Extended_Pictographic}';
const LABEL = `[${SIGN}](?:[${SIGN}\\p{M}_-]{0,61}[${SIGN}\\p{M}])?`;
// U+3002 and U+FF61 separate labels as a full stop does (UTS 46 §2.3).
const DOT = '[.\\u3002\\uff61]';
const REST = '[^\\s<>"\'`|()[\\]{}]*';

// Every repetition that may fail is bounded: the text is an outsider's, and a search must not take its square.
const KINDS: readonly (readonly [type: ValueType, form: RegExp])[] = [
  // Any scheme: what a client does with `tel:` or `javascript:` is its own business, and somewhere it leads.
  ['url', /[a-z][a-z0-9+.-]{1,20}:(?:\/\/|\\\\)[^\s<>"'`]+/giu],
  [
    'text',
    /(?<![\p{L}\p{N}])(?:tel|sms|data|javascript|vbscript|magnet|bitcoin|ethereum|geo|file|intent|skype|sips?|xmpp|callto|facetime|whatsapp|tg|cid):[^\s<>"'`]+/giu,
  ],
  // A share of another machine, which some programs open with the reader's own name and password.
  ['text', /(?<![\p{L}\p{N}\\:])\\\\[\p{L}\p{N}][^\s\\<>"'`]*\\[^\s<>"'`]+/gu],
  ['email', /[^\s<>"(),:;@[\]\\]{1,64}@[^\s<>"'(),:;@[\]\\]{1,255}/gu],
  [
    'url',
    new RegExp(`(?<![\\p{L}\\p{N}_-])(?:${LABEL}${DOT}){1,30}\\p{L}{2,24}(?![\\p{L}\\p{N}_])(?:[:/?#]${REST})?`, 'giu'),
  ],
  ['url', new RegExp(`(?<![\\p{N}.])\\d{1,3}(?:\\.\\d{1,3}){3}(?![\\p{N}.])(?:[:/]${REST})?`, 'gu')],
  // RFC 3986 §3.2.2; with fewer colons it is a time of day in brackets.
  ['url', /\[(?=[^\]]{0,40}(?:::|(?::[^\]:]{0,4}){4}))[0-9a-f:.]{2,45}\](?:[:/][^\s<>"'`]*)?/giu],
  ['iban', /(?<![\p{L}\p{N}])[A-Z]{2}\d{2}[A-Z0-9]{8,30}(?![\p{L}\p{N}])/giu],
  ['iban', /(?<![\p{L}\p{N}])[A-Z]{2}\d{2}(?:[ -][A-Z0-9]{4}){2,7}(?:[ -][A-Z0-9]{1,3})?(?![\p{L}\p{N}])/gu],
  // Account, card and telephone numbers. Eight digits are also a day, which is sorted out below.
  ['id', /(?<![\p{L}\p{N}])\+?\d(?:[ ./()-]{0,2}\d){7,30}(?![\p{L}\p{N}])/gu],
  // Wallets and the like: long, and letters with digits.
  ['id', /(?<![\p{L}\p{N}])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{20,}(?![\p{L}\p{N}])/gu],
];

/** In the order of kinds; `more` when there were too many to list. */
export function activeTokensIn(
  text: string,
  max = activeTokensMax,
): { readonly tokens: readonly ActiveToken[]; readonly more: boolean } {
  const tokens: ActiveToken[] = [];
  let rest = shown(text);
  for (const [type, form] of KINDS) {
    // What has been found is blanked out, so that the host of an address is not found again as a link.
    rest = rest.replace(form, (run) => {
      const token = withoutPunctuation(run);
      if (type === 'id' && (dayOf(token) !== null || isTimestamp(token))) return run;
      if (tokens.length <= max) tokens.push({ type, text: token });
      return ' '.repeat(run.length);
    });
  }
  return { tokens: tokens.slice(0, max), more: tokens.length > max };
}

const NAMED: { readonly [name: string]: string } = {
  colon: ':',
  period: '.',
  sol: '/',
  commat: '@',
  bsol: '\\',
  num: '#',
};

/** As a reader's program shows it: markup has other spellings of a character, and an invisible one parts no name (UTS 46 §4). */
function shown(text: string): string {
  const plain = text.includes('&')
    ? text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{3,6}));?/giu, (all, decimal, hex, name) => {
        const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : null;
        if (code !== null) return code <= 0x10ffff ? String.fromCodePoint(code) : all;
        return NAMED[String(name).toLowerCase()] ?? all;
      })
    : text;
  return normal(plain).replace(/\p{Cf}+/gu, '');
}

function withoutPunctuation(run: string): string {
  return withoutEnd(run.replace(/^['*_]+/u, ''), /[.,;:!?'*_~)\]}]/);
}

function isTimestamp(run: string): boolean {
  return /^\d{4}-\d{2}-\d{2}[ -/.]*\d{0,2}$/.test(run);
}

/** Ids and places of any kind, for memory that must recognise them: with a digit, or of several parts (`/srv/report`, `grp:team`). */
export function idsIn(text: string): readonly string[] {
  const whole = normal(text);
  const plain = whole.match(/(?<![\p{L}\p{N}_-])[\p{L}\p{N}_][\p{L}\p{N}_-]{3,63}(?![\p{L}\p{N}_-])/gu) ?? [];
  const parted = (whole.match(/[^\s<>"'`,;()[\]{}|]{4,256}/gu) ?? [])
    .map(withoutPunctuation)
    .filter((token) => /[\p{L}\p{N}][/\\:.@#=]+[\p{L}\p{N}]|^[/\\~]/u.test(token));
  return [...plain.filter((token) => /\p{N}/u.test(token)), ...parted];
}
