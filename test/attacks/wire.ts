// Bytes on the wire as an attacker writes them: any header, twice if need be, any body, and sockets that are left open.
// No client library stands between, because a library would refuse to send half of this.

import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { DialSvid } from '@writ/agent/node';

/** Null: without a certificate, as on the `oauth` listener. */
export type Sender = DialSvid | null;

export interface Outgoing {
  readonly url: string;
  readonly method: string;
  /** A list sends the header once for each value. */
  readonly headers: { readonly [name: string]: string | readonly string[] };
  readonly body: Uint8Array | Endless;
}

/** So many bytes of the letter `a`, with their length announced or in chunks without end in sight. */
export interface Endless {
  readonly bytes: number;
  readonly announced: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly text: string;
}

const waitMillisMax = 10_000;

/** Null: the other side hung up without an answer. */
export function send(sender: Sender, out: Outgoing): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    const url = new URL(out.url);
    const options: RequestOptions = {
      method: out.method,
      headers: out.headers as NonNullable<RequestOptions['headers']>,
      timeout: waitMillisMax,
      agent: false,
    };
    let answered = false;
    const onAnswer = (answer: IncomingMessage) => {
      answered = true;
      readAll(answer).then(
        (text) => resolve({ status: answer.statusCode!, headers: answer.headers as Answer['headers'], text }),
        reject,
      );
    };
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, ...tlsOf(sender!) }, onAnswer)
        : httpRequest(url, options, onAnswer);
    // A refusal may come while the body is still on its way; the broken pipe behind it is not news.
    request.on('error', () => {
      if (!answered) setTimeout(() => resolve(null), 0);
    });
    request.on('timeout', () => request.destroy());
    if (out.body instanceof Uint8Array) request.end(out.body);
    else pour(request, out.body);
  });
}

function pour(request: ReturnType<typeof httpRequest>, { bytes, announced }: Endless): void {
  const chunk = Buffer.alloc(64 * 1024, 'a');
  let left = bytes;
  if (announced) request.setHeader('content-length', String(bytes));
  request.once('response', () => {
    left = 0;
  });
  const more = () => {
    while (left > 0 && !request.destroyed) {
      const part = chunk.subarray(0, Math.min(left, chunk.length));
      left -= part.length;
      if (!request.write(part)) return void request.once('drain', more);
    }
    if (!request.destroyed) request.end();
  };
  more();
}

async function readAll(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  try {
    for await (const part of answer) parts.push(part as Buffer);
  } catch {
    // cut off by the other side; what came before counts
  }
  return Buffer.concat(parts).toString();
}

/** The very text of a request, for what no HTTP library would write. Resolves with all that comes back. */
export async function sendText(sender: Sender, base: string, text: string): Promise<string> {
  const socket = await open(sender, base);
  return new Promise((resolve) => {
    let got = '';
    socket.setEncoding('latin1').on('data', (part: string) => {
      got += part;
    });
    socket.on('error', () => {}).once('close', () => resolve(got));
    socket.setTimeout(300, () => socket.destroy());
    socket.write(text);
  });
}

/** A connection of one's own, ready to be written to. Rejects when the other side does not want it. */
export function open(sender: Sender, base: string): Promise<Socket> {
  const { hostname: host, port, protocol } = new URL(base);
  return new Promise((resolve, reject) => {
    const to = { host, port: Number(port) };
    const socket =
      protocol === 'https:'
        ? connectTls({ ...to, ...tlsOf(sender!) }, () => resolve(socket))
        : connectPlain(to, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** An attacker does not care who answers. */
function tlsOf({ certPem: cert, keyPem: key, bundlePem }: DialSvid) {
  return { cert, key, ca: [bundlePem].flat() as string[], checkServerIdentity: () => undefined };
}
