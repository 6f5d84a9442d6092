// URLs as whoever opens them reads them: WHATWG parsing, so that userinfo, IDN hosts, tabs and backslashes mean here what they
// mean there. Scheme (http or https), case of the host and a final slash do not count (rules §3.8).

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
/** Without a scheme it must begin like a host: labels with a dot between them. */
const HOST_LIKE = /^[^\s/?#\\]+\.[^\s/?#\\]/;

/** One text per resource, or null for what is no URL. */
export function urlText(text: string): string | null {
  const trimmed = text.trim();
  if (!SCHEME.test(trimmed) && !HOST_LIKE.test(trimmed)) return null;
  const url = URL.parse(SCHEME.test(trimmed) ? trimmed : `http://${trimmed}`);
  if (url === null || url.hostname === '') return null;
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  const user = url.username === '' && url.password === '' ? '' : `${url.username}:${url.password}@`;
  const host = `${url.hostname.replace(/\.$/, '')}${url.port === '' ? '' : `:${url.port}`}`;
  const isBare = url.search === '' && url.hash === '';
  const path = url.pathname === '/' || isBare ? url.pathname.replace(/\/$/, '') : url.pathname;
  return `${isWeb ? '' : `${url.protocol}//`}${user}${host}${path}${url.search}${url.hash}`;
}

/** The host as WHATWG writes it (lower case, punycode), or null. For the domain of an address. */
export function hostText(text: string): string | null {
  if (/[\s/?#\\@:]/.test(text)) return null;
  const url = URL.parse(`http://${text}`);
  return url === null || url.hostname === '' ? null : url.hostname.replace(/\.$/, '');
}

const RUN =
  /(?:(?<![\p{L}\p{N}])[a-z][a-z0-9+.-]{0,20}:\/\/|(?<![\p{L}\p{N}\p{M}\p{Cf}_.@/\\:+%&=#~?\p{Pd}])(?=[\p{L}\p{N}]))[^\s<>"'`|(),;[\]{}]+/giu;

export interface FoundUrl {
  readonly url: string;
  readonly start: number;
}

/** What stands in the text as a URL of its own, without the punctuation that follows it. */
export function urlsIn(text: string): readonly FoundUrl[] {
  return [...eachUrl(text)];
}

export function* eachUrl(text: string): Generator<FoundUrl> {
  for (const [from, to] of stretchesIn(text)) {
    // With the character in front of it, which decides whether a run begins there.
    const before = Math.max(0, from - 1);
    for (const { 0: run, index } of text.slice(before, to).matchAll(RUN))
      for (const url of readings(run)) yield { url, start: before + index };
  }
}

const EDGE = /[\s<>"'`|(),;[\]{}]/;

/** Between characters that no run contains, only where there is a full stop or a colon: without one nothing is a URL. */
function* stretchesIn(text: string): Generator<readonly [from: number, to: number]> {
  const mark = /[.:]/g;
  for (let at = mark.exec(text)?.index; at !== undefined; at = mark.exec(text)?.index) {
    let [from, to] = [at, at + 1];
    while (from > 0 && !EDGE.test(text[from - 1]!)) from--;
    while (to < text.length && !EDGE.test(text[to]!)) to++;
    yield [from, to];
    mark.lastIndex = to;
  }
}

/** One by one from the end: a search for a run that ends the text takes the square of its length where it does not. */
export function withoutEnd(text: string, ends: RegExp): string {
  let end = text.length;
  for (let last = charBefore(text, end); last !== '' && ends.test(last); last = charBefore(text, end))
    end -= last.length;
  return text.slice(0, end);
}

/** The whole character that ends there; empty at the beginning. */
export function charBefore(text: string, at: number): string {
  if (at <= 0) return '';
  const unit = text[at - 1]!;
  return /[\udc00-\udfff]/.test(unit) && at > 1 ? text.slice(at - 2, at) : unit;
}

/**
 * A full stop followed by a capital ends a token (rules §3.8): in the host always, since hosts are not written that way and a
 * forgotten space is; in a path both readings are possible.
 */
function readings(run: string): readonly string[] {
  const trimmed = withoutEnd(run, /[.!?:*_~\p{Pd}]/u);
  const scheme = SCHEME.exec(trimmed)?.[0].length ?? 0;
  const pathAt = trimmed.slice(scheme).search(/[/?#\\]/);
  const capitalAt = trimmed.slice(scheme).search(/\.(?=\p{Lu})/u);
  if (!trimmed.slice(scheme).includes('.') && scheme === 0) return [];
  if (capitalAt < 0) return [trimmed];
  const cut = trimmed.slice(0, scheme + capitalAt);
  return pathAt < 0 || capitalAt < pathAt ? [cut] : [trimmed, cut];
}
