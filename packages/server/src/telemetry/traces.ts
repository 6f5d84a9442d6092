// One trace for each call, over OTLP, with the names that the GenAI and MCP conventions give things (opentelemetry.io, semconv/gen-ai).
// The caller's trace is continued and the callee told of ours. Whether a call is traced is this plane's choice alone: by its trace id,
// never by the caller's flag, which would let him switch it off.

import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Call } from '@writ/core';
import type { Names } from './names.ts';
import type { CallTrace, Course } from './types.ts';

export interface TraceOptions {
  readonly url: string;
  /** Of 100 traces. */
  readonly percent: number;
  /** Sent with every batch; asked anew each time. Must not reject. */
  headers(): Promise<Record<string, string>>;
  /** PEM; null: the system's anchors. */
  readonly ca: string | null;
  readonly service: { readonly version: string; readonly instance: string };
  readonly names: Names;
  /** A batch arrived, or did not. */
  exported(error: Error | null): void;
  /** How long spans wait for company. */
  readonly delayMillis?: number;
}

export interface Traces {
  begin(call: Call, atMillis: number): CallTrace | null;
  /** Headers that tell a callee which part of the trace asks it; empty outside of a traced call. */
  outgoing(): { readonly [name: string]: string };
  close(): Promise<void>;
}

/** Spans that wait for the exporter; more are dropped, so that a collector which is down costs memory once and calls nothing. */
const queueMax = 4096;
const exportMillisMax = 5_000;
const closeMillisMax = 2_000;

export function createTraces(options: TraceOptions): Traces {
  const { names, service } = options;
  const exporter = telling(
    new OTLPTraceExporter({
      url: options.url,
      headers: () => options.headers(),
      timeoutMillis: exportMillisMax,
      ...(options.ca === null ? {} : { httpAgentOptions: { ca: options.ca, keepAlive: true } }),
    }),
    options.exported,
  );
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: queueMax,
    exportTimeoutMillis: exportMillisMax,
    scheduledDelayMillis: options.delayMillis ?? 2_000,
  });
  const provider = new TracerProvider({
    sampler: new TraceIdRatioBasedSampler(options.percent / 100),
    spanProcessors: [processor],
    resource: resourceFromAttributes({
      'service.name': 'writ',
      'service.version': service.version,
      'service.instance.id': service.instance,
    }),
  });
  const tracer = provider.getTracer('writ', service.version);
  const asking = new AsyncLocalStorage<Span>();

  return {
    begin(call, atMillis) {
      const { name, attributes } = describe(call, names);
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, startTime: atMillis, attributes }, parentOf(call));
      // What is not ours to record is passed on as the caller wrote it.
      if (!span.isRecording()) return null;
      const within = trace.setSpan(ROOT_CONTEXT, span);
      const part = (title: string, from: number, to: number) =>
        tracer.startSpan(title, { startTime: from }, within).end(to);
      return {
        async forwarding(send, at) {
          const asked = tracer.startSpan('forward', { kind: SpanKind.CLIENT, startTime: at, attributes }, within);
          try {
            return await asking.run(asked, send);
          } catch (error) {
            asked.setStatus({ code: SpanStatusCode.ERROR });
            throw error;
          } finally {
            asked.end();
          }
        },
        ended(course) {
          const { begun, judged, recorded, ended } = course;
          if (judged !== null) part('judge', begun, judged);
          if (judged !== null && recorded !== null) part('record', judged, recorded);
          span.setAttributes(outcomeOf(course));
          if (isFault(course)) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end(ended);
        },
      };
    },
    outgoing(): { readonly [name: string]: string } {
      const span = asking.getStore();
      if (!span) return {};
      const { traceId, spanId, traceFlags } = span.spanContext();
      return { traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}` };
    },
    async close() {
      const given = Promise.withResolvers<void>();
      const timer = setTimeout(given.resolve, closeMillisMax);
      await Promise.race([provider.shutdown().catch(() => {}), given.promise]);
      clearTimeout(timer);
    },
  };
}

function parentOf({ trace: traceId, traceSpan: spanId }: Call): Context {
  if (!traceId || !spanId) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
}

/** Known names only. Ids of requests and sessions, URIs and arguments are the caller's, and stay out. */
function describe(call: Call, names: Names): { readonly name: string; readonly attributes: Attributes } {
  const operation = names.operation(call);
  const callee = names.callee(call);
  const tool = names.tool(call);
  const peer = call.peer.listener === 'oauth' ? null : call.peer.spiffeId;
  const own: Attributes = {
    'writ.decision.id': call.decisionId,
    'writ.protocol': call.protocol,
    'writ.callee': callee,
    ...(peer ? { 'writ.caller': peer } : {}),
  };
  if (call.target.kind === 'agent') {
    const attributes = { ...own, 'rpc.system.name': 'jsonrpc', 'rpc.method': operation, 'gen_ai.agent.name': callee };
    if (!call.isAction) return { name: `${operation} ${callee}`, attributes };
    return { name: `invoke_agent ${callee}`, attributes: { ...attributes, 'gen_ai.operation.name': 'invoke_agent' } };
  }
  const executed: Attributes = {
    'gen_ai.operation.name': 'execute_tool',
    ...(tool === null ? {} : { 'gen_ai.tool.name': tool }),
  };
  if (call.protocol === 'http') return { name: `execute_tool ${tool ?? callee}`, attributes: { ...own, ...executed } };
  const attributes: Attributes = { ...own, 'mcp.method.name': operation };
  if (operation === 'tools/call' && tool !== null) Object.assign(attributes, executed);
  if (operation === 'prompts/get' && tool !== null) attributes['gen_ai.prompt.name'] = tool.replace(/^prompts\//, '');
  return { name: tool === null ? operation : `${operation} ${tool}`, attributes };
}

function outcomeOf({ decision, answer }: Course): Attributes {
  const facts = decision?.action.facts;
  const code = decision?.denial?.code;
  return {
    'writ.outcome': decision?.outcome ?? 'gone',
    ...(code ? { 'writ.code': code, 'error.type': code } : {}),
    ...(facts ? { 'writ.risk': facts.risk } : {}),
    ...(facts?.observed ? { 'writ.let_through': facts.observed.denial.code } : {}),
    ...(answer === null ? {} : { 'writ.answer': answer }),
  };
}

/** A question to a person is no fault, and neither is a stream that the caller ended. */
function isFault({ decision, answer }: Course): boolean {
  return decision?.outcome === 'deny' || answer === 'error';
}

function telling(exporter: SpanExporter, exported: (error: Error | null) => void): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        exported(result.code === 0 ? null : (result.error ?? new Error('no reason was given')));
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
