// Protected resource metadata of one MCP endpoint: who issues tokens for it. RFC 9728; MCP 2026-07-28, authorization.

export interface ResourceMetadata {
  /** The endpoint's exact URL at the listener of arrival: the audience. */
  readonly resource: string;
  readonly issuer: string;
  /** Small base set; the rest is asked for when a call needs it. */
  readonly scopes: readonly string[];
  readonly name: string;
}

/** Where the document of an endpoint is. RFC 9728 §3.1: the well-known part goes between host and path. */
export function metadataUrlOf(resource: string): string {
  const url = new URL(resource);
  return `${url.origin}/.well-known/oauth-protected-resource${url.pathname}`;
}

export function metadataOf({ resource, issuer, scopes, name }: ResourceMetadata) {
  return {
    resource,
    authorization_servers: [issuer],
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    resource_name: name,
  };
}
