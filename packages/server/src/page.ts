// What every page of the plane has in common: text is escaped before it becomes HTML, and the headers let a page neither be
// framed nor load or run anything. What a page says is its room's business.

import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** HTML that was made by `html`, so that nothing in it came from outside unescaped. */
export interface Html {
  readonly markup: string;
}

export type HtmlValue = string | number | null | Html | readonly Html[];

/** Every value is escaped, unless it is HTML already; null is nothing. Attributes must stand in quotation marks. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return { markup: parts.reduce((all, part, i) => `${all}${markupOf(values[i - 1] ?? null)}${part}`) };
}

/** For markup of a library of ours, never for anything that was sent to us. */
export function htmlWithoutEscaping(markup: string): Html {
  return { markup };
}

function markupOf(value: HtmlValue): string {
  if (value === null) return '';
  if (typeof value === 'string' || typeof value === 'number') return escaped(String(value));
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
}

function escaped(text: string): string {
  return text.replace(/[&<>"'`]/g, (char) => `&#${char.charCodeAt(0)};`);
}

export interface Page {
  readonly title: string;
  readonly body: Html;
}

const STYLE = `:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}
main.narrow{max-width:28rem;margin:auto}
nav a{margin-right:1rem}
label,button{display:block;margin-top:.75rem}
input[type=text],input[type=password]{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.4rem}
button{font:inherit;padding:.4rem 1rem}
form.row{display:flex;gap:1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.3rem .75rem .3rem 0;border-bottom:1px solid GrayText}
pre{white-space:pre-wrap;border:1px solid GrayText;padding:.5rem}
.problem{border-left:.25rem solid;padding-left:.75rem}
section{margin-bottom:2rem}`;

const styleHash = createHash('sha256').update(STYLE).digest('base64');

/** A whole document. */
export function documentOf({ title, body }: Page): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title} · Writ</title>
<style>${htmlWithoutEscaping(STYLE)}</style>
</head>
<body>
${body}
</body>
</html>
`;
  return page.markup;
}

/** `leads-away`: the answer to its form redirects to another origin, which browsers hold against `form-action`. */
export type FormTarget = 'here' | 'leads-away';

function pageHeaders(forms: FormTarget): { readonly [name: string]: string } {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    ...(forms === 'here' ? ["form-action 'self'"] : []),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policy.join('; '),
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  };
}

export interface PageAnswer extends Page {
  readonly status?: number;
  readonly forms?: FormTarget;
  readonly headers?: { readonly [name: string]: string };
}

export function sendPage(
  res: ServerResponse,
  { status = 200, forms = 'here', headers = {}, ...page }: PageAnswer,
): void {
  res.writeHead(status, { ...pageHeaders(forms), ...headers });
  res.end(documentOf(page));
}

/** 303: what was posted is done, the browser goes on with GET. */
export function sendOn(res: ServerResponse, to: string, headers: { readonly [name: string]: string } = {}): void {
  res.writeHead(303, { ...pageHeaders('here'), ...headers, Location: to });
  res.end();
}

/** RFC 9110 §10.2.3. */
export function retryAfter(seconds: number | undefined): { readonly [name: string]: string } {
  return seconds === undefined ? {} : { 'Retry-After': String(seconds) };
}
