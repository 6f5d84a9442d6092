// The two ways in which the log itself fails. Neither is a denial: main and the spine turn them into one.

/** A record cannot be kept now; whoever wanted to act on it does not. Denial code `audit.unavailable`. */
export class AuditUnavailable extends Error {
  override readonly name = 'AuditUnavailable';
}

/** The log must not be opened as it stands; the message says what was found and what to do. */
export class AuditRefused extends Error {
  override readonly name = 'AuditRefused';
}
