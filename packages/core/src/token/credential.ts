// What a caller presents as its authority, before anybody has looked at it.

export type Credential =
  | { readonly kind: 'none' }
  /** `Authorization: Bearer …` or `DPoP …`. */
  | { readonly kind: 'jwt'; readonly scheme: 'Bearer' | 'DPoP'; readonly value: string }
  /** More than one. Rules §2.8. */
  | { readonly kind: 'ambiguous'; readonly seen: readonly string[] };
