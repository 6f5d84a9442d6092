// The one port to the network: a function shaped like `fetch`. On Node it is mutual TLS (node/mtls-fetch.ts); tests hand in their own.

import type { JsonValue } from '@writ/core';

export type FetchLike = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** The whole body as text. Throws past the bound: an answer that does not end is an outage. */
async function boundedText(response: Response, bytesMax: number): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error(`the answer is larger than ${bytesMax} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The value of a JSON body, undefined for anything else. An answer is read, not judged, so the platform's parser will do. */
export async function boundedJson(response: Response, bytesMax: number): Promise<JsonValue | undefined> {
  const text = await boundedText(response, bytesMax);
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
