// What a caller presents as its authority, before anybody has looked at it.

import type { Presented } from './dpop.ts';

export type Credential =
  | { readonly kind: 'none' }
  /** `Authorization: Bearer …` or `DPoP …`. */
  | { readonly kind: 'jwt'; readonly scheme: 'Bearer'; readonly value: string }
  | ({ readonly kind: 'jwt'; readonly scheme: 'DPoP'; readonly value: string } & Presented)
  /** More than one. Rules §2.8. */
  | { readonly kind: 'ambiguous'; readonly seen: readonly string[] };
