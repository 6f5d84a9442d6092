// What holds where writ.yaml says nothing. Everything listens on loopback until somebody writes otherwise.

export const DEFAULTS = {
  dataDir: './writ-data',
  listen: { mtls: '127.0.0.1:8443', oauth: '127.0.0.1:8480', admin: '127.0.0.1:8420' },
  /** An SVID lives an hour and is renewed at half of it. */
  identityTtl: '1h',
  /** Takes below the task's own agent. Contract §2. */
  taskDepth: 3,
  taskTtl: '1h',
  /** A decision point that takes longer has said no. */
  pdpTimeoutMillis: 500,
  /** More than any agent has calls at once, and less than a plane can hold open. */
  perCaller: 256,
  /** More than anybody reads with care. */
  questionsPerHour: 20,
  questionTtl: '15m',
  /** Of 100 traces, where a collector is named. */
  tracePercent: 100,
  mandateDepth: 1,
  mandateWindow: '30m',
} as const;

export const configFileName = 'writ.yaml';
