// Is this text a secret that was written down? Structure first: a reference or a placeholder is none, whatever it looks like; then
// an issuer's form, then the key that holds it, last how random it looks. Pure, and the only judge of it in this room.

import { KEYED_NAMES, SECRET_NAMES, type SecretName } from './secret-names.ts';

export interface Secret {
  /** The secret alone; nothing that leaves this room holds more than four characters of it. */
  readonly value: string;
  /** `GitHub token`, `password`. */
  readonly name: string;
  /** Offset in the text that was judged. */
  readonly at: number;
  readonly issuer: SecretName | null;
}

/** Secrets in the value under a key, such as an environment variable, a header or an option. Key null: none says anything. */
export function secretsIn(key: string | null, text: string): readonly Secret[] {
  const inner = innerOf(key, text);
  if (inner !== null) return inner;
  const shaped = shapedSecrets(text);
  if (shaped.length > 0) return shaped;
  const { value, at } = bare(text);
  if (isReference(text) || isReference(value) || isPlaceholder(value)) return [];
  const name = key !== null && saysSecret(key) && isPlausible(key, value) ? nameByKey(key, value) : null;
  if (name !== null) return [{ value, name, at, issuer: null }];
  return isRandom(value) ? [{ value, name: 'random-looking secret', at, issuer: null }] : [];
}

/** Secrets of a known form anywhere in a text, such as a comment. */
export function shapedSecrets(text: string): readonly Secret[] {
  const found: Secret[] = [];
  for (const issuer of SECRET_NAMES) {
    for (const match of text.matchAll(issuer.form)) {
      const overlaps = found.some(
        ({ at, value }) => match.index < at + value.length && at < match.index + match[0].length,
      );
      if (overlaps || isReference(match[0]) || isPlaceholder(match[0])) continue;
      found.push({ value: match[0], name: issuer.name, at: match.index, issuer });
    }
  }
  return found.toSorted((a, b) => a.at - b.at);
}

/** `ghp_…, 40 characters`: at most four of them, and at most a quarter of a short one. */
export function redacted(secret: string): string {
  const shown = Math.min(4, Math.floor(secret.length / 4));
  return `${secret.slice(0, shown)}…, ${secret.length} characters`;
}

/** JSON in a variable, and `--header "Name: value"`: judged by the names that stand inside. */
function innerOf(key: string | null, text: string): readonly Secret[] | null {
  if (/^\s*\{[\s\S]*\}\s*$/.test(text)) {
    const pairs = [...text.matchAll(/"([^"\\]{1,80})"\s*:\s*"((?:[^"\\]|\\.)*)"/g)];
    if (pairs.length === 0) return null;
    return pairs.flatMap((match) => {
      const start = match.index + match[0].length - 1 - match[2]!.length;
      return secretsIn(match[1]!, match[2]!).map((one) => ({ ...one, at: one.at + start }));
    });
  }
  const header = /^([A-Za-z][A-Za-z0-9-]{1,60}):\s+(?=\S)/.exec(text);
  if (header !== null && (key === null || /header/i.test(key))) {
    const start = header[0].length;
    return secretsIn(header[1]!, text.slice(start)).map((one) => ({ ...one, at: one.at + start }));
  }
  return null;
}

const SCHEME = /^\s*(?:Bearer|Basic|Token|ApiKey|Api-Key|Key)[ =:]+(?=\S)/i;

function bare(text: string): { readonly value: string; readonly at: number } {
  const at = (SCHEME.exec(text)?.[0] ?? /^\s*/.exec(text)![0]).length;
  return { value: text.slice(at).trimEnd(), at };
}

/** Says where the value is instead of what it is, in the spelling of some client, shell or secret store. */
export function isReference(text: string): boolean {
  return (
    /\$\{[^}]*\}|\$\([^)]*\)|\{\{[^}]*\}\}|%[A-Za-z_][A-Za-z0-9_]*%/.test(text) ||
    /^\s*(?:(?:Bearer|Basic|Token)\s+)?(?:\$[A-Za-z_][A-Za-z0-9_]*|\$env:\w+|<[^<>]*>|\{(?:env|file|input):[^}]+\})\s*$/i.test(
      text,
    ) ||
    /^(?:op|vault|keychain|keyring|secretref|secret|pass|bw|doppler|infisical|aws-sm|gcp-sm|ref\+[a-z0-9]+):\/\//i.test(
      text,
    ) ||
    /^(?:arn:aws[\w-]*:(?:secretsmanager|ssm)|projects\/[^/]+\/secrets)\b/.test(text) ||
    /^(?:env|keychain|keyring):[A-Za-z_][\w./-]*$|^env\(\w+\)$|^(?:process\.env\.|os\.environ[/.[])/.test(text)
  );
}

const edge = '(?:^|$|[-_ .<>()[\\]])';
const PLACEHOLDER_WORD = new RegExp(
  `${edge}(?:your|insert|enter|paste|replace|example|sample|dummy|fake|placeholder|redacted|removed|todo|fixme|changeme|change[-_ ](?:me|this|it|in)|generate|xxx+|tbd)${edge}`,
  'i',
);
/** `my-api-key`, `put-token-here`: a word of talk next to what it stands for. */
const PLACEHOLDER_PAIR = /(?:^|[-_ ])(?:my|the|some|here|goes|put|add|change|fill)(?:$|[-_ ])/i;
const CREDENTIAL_NOUN = /key|token|secret|passw|credential/i;
const PLACEHOLDER_WHOLE =
  /^(?:(?:change|replace)[-_]?me|your(?:api)?(?:key|token|secret|password)|api[-_]?key|token|secret|password|passwd|none|null|undefined|n\/a|test|xxx+)$/i;

/** What stands in documentation: `sk-your-key-here`, `ghp_xxxxxxxx`, `changeme`, `AKIA…EXAMPLE`, `1234567890`. */
export function isPlaceholder(text: string): boolean {
  const plain = text.trim();
  if (plain === '' || /\.{3}|…|([xX*0])\1{7}/.test(plain) || /^[*•x•]+$/i.test(plain)) return true;
  if (/EXAMPLE(?:KEY)?$/.test(plain)) return true;
  // Many real passwords and keys hold one such word by chance, so a random rest outweighs it.
  const words = plain.split(/[^A-Za-z0-9]+/).filter((word) => word.length >= 20 && isMixed(word));
  const talks = PLACEHOLDER_WORD.test(plain) || (PLACEHOLDER_PAIR.test(plain) && CREDENTIAL_NOUN.test(plain));
  if (words.length === 0 && (talks || PLACEHOLDER_WHOLE.test(plain))) return true;
  const body = /[A-Za-z0-9+/]{8,}$/.exec(plain)?.[0] ?? plain;
  return body.length >= 8 && (new Set(body.toLowerCase()).size <= 3 || isSequence(body));
}

/** `abcdefgh`, `12345678`, `0123456789abcdef`: most steps lead to the next character. */
function isSequence(text: string): boolean {
  const steps = [...text].slice(1).filter((character, i) => {
    const step = character.charCodeAt(0) - text.charCodeAt(i);
    return (
      step === 1 || (text[i] === '9' && /[0a]/i.test(character)) || (/z/i.test(text[i]!) && /[0a]/i.test(character))
    );
  });
  return steps.length >= (text.length - 1) * 0.8;
}

const SECRET_WORD =
  /(?:^|[^a-z])(?:api[-_ .]?key|apikey|access[-_ .]?key|auth[-_ .]?key|private[-_ .]?key|secret[-_ .]?key|signing[-_ .]?key|encryption[-_ .]?key|master[-_ .]?key|license[-_ .]?key|service[-_ .]?key|key|pat|token|secret|passw(?:or)?d|passphrase|passcode|pass|pwd|auth|authorization|credentials?|cookie|session|jwt|bearer|dsn|connection[-_ .]?string|sas)s?(?:$|[^a-z])/;

/** Written together, as in PGPASSWORD and clientsecret. */
const GLUED = /(?<!com|by|sur|over|tres)(?:password|passwd|pass|secret|token|apikey|accesskey|authkey|privatekey)$/;

/** Ends that say that the value is about a secret and is none. */
const ABOUT =
  /(?:^|[^a-z])(?:url|uri|path|file|filename|dir|folder|id|name|names|limit|limits|max|min|count|budget|ttl|type|mode|method|header|prefix|suffix|region|env|var|algorithm|alg|expiry|expires|timeout|enabled|disabled|endpoint|host|port|scope|scopes|issuer|audience|provider|store|public|length|size|bits|field|format|version|email|user|username|required|helper|command|cmd|server)$/;

/** Does the name of a variable, header or option promise a secret? */
export function saysSecret(key: string): boolean {
  const words = key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/^-+/, '');
  return (
    (SECRET_WORD.test(words) || GLUED.test(words)) &&
    !ABOUT.test(words) &&
    !/(?:^|[^a-z])(?:public|max|min|num)[^a-z]/.test(words)
  );
}

/** A value that such a key may well hold, as against a switch, a path, a number or a word. */
function isPlausible(key: string, value: string): boolean {
  if (/^(?:true|false|yes|no|on|off|null|none|auto|default|-?[0-9]{1,5}(?:\.[0-9]+)?)$/i.test(value)) return false;
  if (/^(?:https?|wss?|file|spiffe|unix):\/\/\S*$/i.test(value)) return false;
  if (/^(?:\/|\.{1,2}\/|~\/|[A-Za-z]:[\\/])/.test(value) && !/^\/[A-Za-z0-9+/]{39}$/.test(value)) return false;
  if (/pass|pwd/i.test(key)) return value.length >= 4 && !/\s{2,}/.test(value);
  if (value.length < 8 || /\s/.test(value)) return false;
  if (/^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/.test(value)) return false; // The name of a variable.
  // Words, versions and identifiers that people think of: `oauth2`, `service-account`, `my-session`.
  if (/^[a-z]+(?:[-_. ][a-z0-9]+)*$/i.test(value) && !isMixed(value) && entropy(value) < 3.6) return false;
  return /[0-9]/.test(value) || entropy(value) >= 3;
}

function nameByKey(key: string, value: string): string {
  return KEYED_NAMES.find((one) => one.key.test(key) && one.value.test(value))?.name ?? 'secret';
}

/** What generators make and people do not: long, of one piece, of mixed alphabets. */
export function isRandom(value: string): boolean {
  if (!/^[A-Za-z0-9_+/=-]{24,512}$/.test(value) || !isMixed(value)) return false;
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) return false; // A UUID names something.
  if (/^(?:sha(?:1|256|384|512)[-:=]|\/|@)/.test(value) || value.split('/').length > 3) return false;
  // Names that people build of words, such as `My-Project-Name-2024-Final`, are poor in surprise.
  const longest = Math.max(...value.split(/[-_/]/).map((part) => part.length));
  const digitRuns = value.match(/[0-9]+/g)?.length ?? 0;
  return longest >= 16 && digitRuns >= 2 && entropy(value) >= 3.9 && alternations(value) >= value.length * 0.4;
}

/** Upper case, lower case and digits, all three. */
function isMixed(value: string): boolean {
  return /[0-9]/.test(value) && /[A-Z]/.test(value) && /[a-z]/.test(value);
}

/** How often the kind of character changes. */
function alternations(value: string): number {
  const kinds = [...value].map((one) => (/[0-9]/.test(one) ? 0 : /[A-Z]/.test(one) ? 1 : /[a-z]/.test(one) ? 2 : 3));
  return kinds.filter((kind, i) => i > 0 && kind !== kinds[i - 1]).length;
}

/** Shannon's, in bits per character. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  const length = [...text].length;
  return [...counts.values()].reduce((sum, count) => sum - (count / length) * Math.log2(count / length), 0);
}
