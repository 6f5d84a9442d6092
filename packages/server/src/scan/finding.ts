// What the scan says: findings with a place, evidence and the way out, and what the asked endpoints answered.

export const SEVERITIES = ['low', 'medium', 'high'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Where in a file something stands; counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Exclusive, on the same line; null: to be read as the whole line. */
  readonly endColumn: number | null;
}

export interface Finding {
  /** Stays the same while rule, file and subject do; made without the secret. */
  readonly id: string;
  readonly rule: string;
  readonly severity: Severity;
  /** Null where nothing on disk says it: a listening socket, a host from the command line. */
  readonly place: Place | null;
  /** What is wrong, for whoever reads only this. */
  readonly says: string;
  /** What was seen. Never more than four characters of a secret. */
  readonly evidence: string;
  /** A piece of writ.yaml, comments included. */
  readonly fix: string;
}

/** What a rule found in its subject; the scan makes findings of it. */
export interface Hit {
  readonly place: Place | null;
  /** Names the subject inside the file, such as `files.env.TOKEN`; part of the id. */
  readonly subject: string;
  readonly says: string;
  readonly evidence: string;
  readonly fix: string;
  /** Where this one is better or worse than the rule's usual. */
  readonly severity?: Severity;
}

export interface Probe {
  readonly url: string;
  readonly result: 'open' | 'protected' | 'unreachable';
  readonly detail: string;
}

export interface ScannedFile {
  readonly client: string;
  readonly file: string;
}

export interface ScanResult {
  readonly scanned: readonly ScannedFile[];
  readonly findings: readonly Finding[];
  readonly probes: readonly Probe[];
  /** What was left alone, and how to have it looked at. For stderr. */
  readonly notes: readonly string[];
}

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}
