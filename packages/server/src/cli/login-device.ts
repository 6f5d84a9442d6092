// Signing in on another device: a code is shown here and typed there (RFC 8628).

import { setTimeout as wait } from 'node:timers/promises';
import { isJsonObject, type JsonObject } from '@writ/core';
import { type Answer, ask, saysOf } from './client.ts';
import { API_SCOPE, apiResource, CLIENT_ID, endpoint, type Issuer } from './issuer.ts';
import { refused, unreachable } from './stop.ts';
import { visible } from './terminal.ts';

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

export async function signInByDevice(
  issuer: Issuer,
  note: (text: string) => void,
  pause: (millis: number) => Promise<unknown> = wait,
): Promise<JsonObject> {
  const resource = apiResource(issuer);
  const begun = await ask({
    url: endpoint(issuer, 'device_authorization_endpoint'),
    method: 'POST',
    body: new URLSearchParams({ client_id: CLIENT_ID, resource, scope: API_SCOPE }),
  });
  const {
    device_code: code,
    user_code: shown,
    verification_uri: at,
    verification_uri_complete: whole,
    interval,
    expires_in: lifeSeconds,
  } = objectIn(begun);
  if (typeof code !== 'string' || typeof shown !== 'string' || typeof at !== 'string')
    throw unreachable('the plane answered without a code');
  note(
    `on any device, open\n  ${visible(typeof whole === 'string' ? whole : at)}\nand see that it shows the code\n  ${visible(shown)}`,
  );
  const form = new URLSearchParams({ grant_type: deviceGrant, client_id: CLIENT_ID, device_code: code, resource });
  let pauseSeconds = typeof interval === 'number' && interval > 0 ? interval : 5;
  let waitedSeconds = 0;
  const waitSecondsMax = typeof lifeSeconds === 'number' ? lifeSeconds : 600;
  while (waitedSeconds < waitSecondsMax) {
    await pause(pauseSeconds * 1000);
    waitedSeconds += pauseSeconds;
    const answer = await ask({ url: endpoint(issuer, 'token_endpoint'), method: 'POST', body: form });
    const error = isJsonObject(answer.body) ? answer.body.error : undefined;
    // RFC 8628 §3.5.
    if (error === 'slow_down') pauseSeconds += 5;
    else if (error !== 'authorization_pending') return objectIn(answer);
  }
  throw refused('nobody typed the code in time; `writ login --device` starts over');
}

function objectIn(answer: Answer): JsonObject {
  if (answer.status === 200 && isJsonObject(answer.body)) return answer.body;
  throw answer.status >= 500 ? unreachable(saysOf(answer)) : refused(saysOf(answer));
}
