// W3C Trace Context: one trace id from the first call of a task to the last, so that its decisions can be found together.

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/** The value for an outbound call: the same trace with a span of its own; null when there is no readable trace to continue. */
export function childTraceparent(parent: string | null, spanIdHex: string): string | null {
  const found = parent === null ? null : TRACEPARENT.exec(parent);
  return found === null ? null : `00-${found[1]}-${spanIdHex}-${found[2]}`;
}
