// A collector of traces: takes OTLP over HTTP as JSON, keeps every byte and reads the spans.

import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface ReadSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  /** 2: error. */
  readonly status: number;
  readonly attributes: { readonly [name: string]: unknown };
  readonly startNanos: bigint;
  readonly endNanos: bigint;
}

export interface Collector {
  readonly url: string;
  /** Everything that arrived, head and body. */
  readonly bytes: string[];
  readonly heads: IncomingHttpHeaders[];
  readonly spans: ReadSpan[];
  /** Resolves once `enough` holds; rejects after twenty seconds. */
  until(enough: (spans: readonly ReadSpan[]) => boolean): Promise<void>;
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const spans: ReadSpan[] = [];
  const bytes: string[] = [];
  const heads: IncomingHttpHeaders[] = [];
  const server = createServer(async (req, res) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    const body = String(Buffer.concat(parts));
    bytes.push(JSON.stringify(req.rawHeaders), body);
    heads.push(req.headers);
    spans.push(...readSpans(JSON.parse(body)));
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end('{}');
  });
  server.unref();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    bytes,
    heads,
    spans,
    async until(enough) {
      for (let i = 0; i < 200 && !enough(spans); i++) await pause(100);
      if (!enough(spans)) throw new Error(`not among ${spans.length} spans: ${spans.map(({ name }) => name)}`);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

interface Written {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Pair[] };
    readonly scopeSpans: readonly { readonly spans: readonly WrittenSpan[] }[];
  }[];
}

type Pair = { readonly key: string; readonly value: { readonly [kind: string]: unknown } };

interface WrittenSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly status: { readonly code?: number };
  readonly attributes: readonly Pair[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

function readSpans({ resourceSpans }: Written): ReadSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, traceId, spanId, parentSpanId, kind, status, attributes, ...times }) => ({
        ...{ name, traceId, spanId, kind, parentSpanId: parentSpanId || null, status: status.code ?? 0 },
        attributes: { ...valuesOf(resource.attributes), ...valuesOf(attributes) },
        startNanos: BigInt(times.startTimeUnixNano),
        endNanos: BigInt(times.endTimeUnixNano),
      })),
    ),
  );
}

function valuesOf(pairs: readonly Pair[]): { [name: string]: unknown } {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));
}
