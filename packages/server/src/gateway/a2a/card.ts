// The card of an agent behind the gateway: its own words about itself, with the interfaces rewritten so that clients come through
// here. Members are carried by name: signatures over other bytes, and addresses of the agent itself in whatever version, are not.

import { isJsonObject, type JsonObject } from '@writ/core';
import { A2A_VERSION } from './words.ts';

const CARRIED = [
  'name',
  'description',
  'version',
  'provider',
  'documentationUrl',
  'iconUrl',
  'defaultInputModes',
  'defaultOutputModes',
  'skills',
];

/** The card to publish, or null when the agent's answer is no card. A2A 1.0 §5. */
export function publishedCard(card: unknown, url: string): JsonObject | null {
  if (!isJsonObject(card) || typeof card.name !== 'string' || !Array.isArray(card.skills)) return null;
  const { capabilities } = card;
  const streaming = isJsonObject(capabilities) && capabilities.streaming === true;
  return {
    ...Object.fromEntries(CARRIED.flatMap((name) => (card[name] === undefined ? [] : [[name, card[name]]]))),
    supportedInterfaces: [{ url, protocolBinding: 'JSONRPC', protocolVersion: A2A_VERSION }],
    capabilities: { streaming, pushNotifications: false, extendedAgentCard: false },
    securitySchemes: { mtls: { mtlsSecurityScheme: { description: 'X.509-SVID of the trust domain' } } },
    securityRequirements: [{ schemes: { mtls: { list: [] } } }],
  };
}
