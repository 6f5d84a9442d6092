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
  return [...text.matchAll(RUN)].flatMap((match) => readings(match[0]).map((url) => ({ url, start: match.index })));
}

/**
 * A full stop followed by a capital ends a token (rules §3.8): in the host always, since hosts are not written that way and a
 * forgotten space is; in a path both readings are possible.
 */
function readings(run: string): readonly string[] {
  const trimmed = run.replace(/[.!?:*_~\p{Pd}]+$/u, '');
  const scheme = SCHEME.exec(trimmed)?.[0].length ?? 0;
  const pathAt = trimmed.slice(scheme).search(/[/?#\\]/);
  const capitalAt = trimmed.slice(scheme).search(/\.(?=\p{Lu})/u);
  if (!trimmed.slice(scheme).includes('.') && scheme === 0) return [];
  if (capitalAt < 0) return [trimmed];
  const cut = trimmed.slice(0, scheme + capitalAt);
  return pathAt < 0 || capitalAt < pathAt ? [cut] : [trimmed, cut];
}
