// Connections that are left open, some with an answer that does not end, and when they ended.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import type { Step } from './case.ts';
import { baseOf, requestOf } from './requests.ts';
import type { Scene } from './steps.ts';
import { type Outgoing, open as openConnection } from './wire.ts';

export async function stay(step: Step, scene: Scene): Promise<void> {
  const { stage, names } = scene;
  const sender = await stage.sender(step.as);
  const { call, token } = step.with;
  const socket = await openConnection(sender, baseOf(step, stage));
  const ended = new Promise<number>((resolve) => socket.once('close', () => resolve(performance.now())));
  socket.on('error', () => {});
  const heard = new Promise<void>((resolve) => socket.once('data', () => resolve()));
  scene.open.set(String(step.on), {
    ended: call === undefined ? ended : answerEnd(socket, ended),
    destroy: () => socket.destroy(),
  });
  if (call === undefined) return;
  const asCall = { ...step, verb: 'call', on: call, with: { token: token! } } as Step;
  socket.write(written(requestOf(asCall, stage, names)));
  await heard;
}

/** The end of a chunked answer on a connection that may live on, or the end of the connection itself. */
function answerEnd(socket: Socket, ended: Promise<number>): Promise<number> {
  const last = new Promise<number>((resolve) => {
    let tail = '';
    socket.on('data', (part: Buffer) => {
      tail = (tail + part.toString('latin1')).slice(-16);
      if (tail.endsWith('\r\n0\r\n\r\n')) resolve(performance.now());
    });
  });
  return Promise.race([last, ended]);
}

function written({ url, method, headers, body }: Outgoing): string {
  const { pathname, host } = new URL(url);
  const text = Buffer.from(body as Uint8Array).toString();
  const all: { [name: string]: string | readonly string[] } = {
    host,
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${String(value)}`);
  return `${method} ${pathname} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${text}`;
}

export async function ends({ on, with: { millisMax } }: Step, scene: Scene): Promise<void> {
  const open = scene.open.get(String(on));
  assert.ok(open, `\`${String(on)}\` is not open`);
  const limit = Number(millisMax);
  const late = new Promise<null>((resolve) => setTimeout(resolve, limit + 500, null).unref());
  const endedMillis = await Promise.race([open.ended, late]);
  assert.ok(endedMillis !== null, 'it is still open');
  const took = Math.round(endedMillis - scene.revokedMillis);
  assert.ok(took <= limit, `it ended after ${took} ms`);
}
