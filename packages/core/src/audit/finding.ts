// What a verifier found wrong, and where.

export interface Finding {
  readonly code: string;
  readonly sequence: number | null;
  readonly file: string | null;
  readonly offset: number | null;
  /** One sentence for the operator. */
  readonly says: string;
}

/** A finding about the log as a whole. */
export function ofLog(code: string, says: string, file: string | null = null): Finding {
  return { code, sequence: null, file, offset: null, says };
}
