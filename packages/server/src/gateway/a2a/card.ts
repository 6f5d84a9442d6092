// The card of an agent behind the gateway: its own, with the interfaces rewritten so that clients come through here, and
// without what no longer holds: signatures over other bytes, bindings and capabilities that are not carried.

import { isJsonObject, type JsonObject } from '@writ/core';
import { A2A_VERSION } from './words.ts';

/** The card to publish, or null when the agent's answer is no card. A2A 1.0 §5. */
export function publishedCard(card: unknown, url: string): JsonObject | null {
  if (!isJsonObject(card) || typeof card.name !== 'string' || !Array.isArray(card.skills)) return null;
  const { signatures: _s, securitySchemes: _c, securityRequirements: _r, capabilities, ...rest } = card;
  const streaming = isJsonObject(capabilities) && capabilities.streaming === true;
  return {
    ...rest,
    supportedInterfaces: [{ url, protocolBinding: 'JSONRPC', protocolVersion: A2A_VERSION }],
    capabilities: { streaming, pushNotifications: false, extendedAgentCard: false },
    securitySchemes: { mtls: { mtlsSecurityScheme: { description: 'X.509-SVID of the trust domain' } } },
    securityRequirements: [{ schemes: { mtls: { list: [] } } }],
  };
}
