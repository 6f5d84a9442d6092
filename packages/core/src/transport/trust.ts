// What the transport check is judged against: one trust domain, its edges, its withdrawn identities.

export interface TrustWorld {
  readonly trustDomain: string;
  /** Caller key (agent path, or `client:<id>`) → callee keys. Rules §1.3. */
  readonly edges: ReadonlyMap<string, ReadonlySet<string>>;
  /** SPIFFE IDs refused at every check. */
  readonly revokedIdentities: ReadonlySet<string>;
}
