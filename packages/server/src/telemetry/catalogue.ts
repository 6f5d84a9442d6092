// Every number the plane gives out, by name. The dashboard and the guide may name these and no others (a test reads both).

export interface Metric {
  readonly name: `writ_${string}` | `process_${string}`;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Each of them has few values, whatever callers send. */
  readonly labels: readonly Label[];
  /** Upper bounds of a histogram, in the unit that the name ends with. */
  readonly buckets?: readonly number[];
}

export type Label = 'protocol' | 'callee' | 'outcome' | 'code' | 'kind' | 'state' | 'verdict' | 'result' | 'source';

/** From a tenth of a millisecond, which is a judgement, to the half minute of a slow tool. */
const seconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const records = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

export const METRICS = {
  calls: of('counter', 'writ_calls_total', 'Calls by what became of them', ['protocol', 'callee', 'outcome', 'code']),
  unread: of('counter', 'writ_requests_refused_total', 'Refused before they were a call', ['protocol', 'code']),
  answers: of('counter', 'writ_answers_total', 'Answers of callees by how they ended', ['protocol', 'state']),
  watched: of(
    'counter',
    'writ_calls_let_through_total',
    'Let through by mode `observe`; code: what would have spoken',
    ['callee', 'code'],
  ),
  whole: of('histogram', 'writ_call_duration_seconds', 'From arrival to the end of the answer', [
    'protocol',
    'outcome',
  ]),
  judge: of('histogram', 'writ_judge_duration_seconds', 'Three checks, other engines, claims', ['protocol']),
  record: of('histogram', 'writ_record_wait_seconds', 'From the end of judging until the record is on disk', [
    'protocol',
  ]),
  upstream: of('histogram', 'writ_upstream_duration_seconds', 'Until the callee began to answer', ['callee']),
  added: of('histogram', 'writ_added_duration_seconds', 'Until the answer began, without the callee’s own time', [
    'protocol',
  ]),
  underWay: of('gauge', 'writ_calls_under_way', 'Calls under way, streams included'),
  answersOpen: of('gauge', 'writ_answers_open', 'Answers being released'),
  auditRecords: of('counter', 'writ_audit_records_total', 'Records safe on disk', ['kind']),
  auditFlush: of('histogram', 'writ_audit_flush_records', 'Records that shared one flush to disk', [], records),
  auditWaiting: of('gauge', 'writ_audit_waiting_records', 'Records that wait for the disk'),
  auditUnpublished: of('gauge', 'writ_audit_unpublished_records', 'Records on disk, not yet under a checkpoint'),
  auditFailed: of('gauge', 'writ_audit_failed', '1 when the log takes no more records'),
  revocationAge: of('gauge', 'writ_revocation_age_seconds', 'Age of what is known of revocations'),
  revocationFresh: of('gauge', 'writ_revocation_fresh', '1 while calls are judged; 0: all are refused'),
  svids: of('counter', 'writ_svids_issued_total', 'Identities issued to processes', ['kind']),
  tokens: of('counter', 'writ_token_events_total', 'Tokens issued, refused and revoked', ['result']),
  approvalsWaiting: of('gauge', 'writ_approvals_waiting', 'Questions that wait for a person'),
  approvalsDecided: of('counter', 'writ_approvals_decided_total', 'Answers of people', ['verdict']),
  shadow: of('counter', 'writ_shadow_answers_total', 'Policy answers that Cedar’s own evaluator was asked again', [
    'result',
  ]),
  shadowWaiting: of('gauge', 'writ_shadow_waiting', 'Policy answers that wait to be asked again'),
  evidence: of('gauge', 'writ_evidence_chars', 'UTF-16 units kept of what tasks have read'),
  tasks: of('gauge', 'writ_tasks_in_memory', 'Tasks whose evidence is in memory'),
  echoes: of('gauge', 'writ_echo_values', 'Values remembered as sent to tools'),
  circuits: of('gauge', 'writ_circuit_open', '1 while a callee is left alone', ['callee']),
  exports: of('counter', 'writ_trace_exports_total', 'Batches of spans by whether they arrived', ['result']),
  readings: of('counter', 'writ_readings_failed_total', 'Readings that a scrape had to do without', ['source']),
  resident: of('gauge', 'process_resident_memory_bytes', 'Memory of the process'),
  cpu: of('counter', 'process_cpu_seconds_total', 'CPU time of the process since its start'),
  started: of('gauge', 'process_start_time_seconds', 'When the process started, epoch seconds'),
} as const satisfies { readonly [key: string]: Metric };

function of(
  kind: Metric['kind'],
  name: Metric['name'],
  help: string,
  labels: readonly Label[] = [],
  buckets: readonly number[] = seconds,
): Metric {
  return { kind, name, help, labels, ...(kind === 'histogram' ? { buckets } : {}) };
}
