// The members of `params` that are carried, by name and form (A2A 1.0 §3). A member that nobody here judges is refused, not
// forwarded: agents read ProtoJSON, where `task_id` is `taskId` as well, so the one we do not know may be the one that counts.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import type { Method } from './words.ts';

type Form = 'text' | 'object' | 'list' | 'texts' | 'count' | 'flag' | 'any' | 'nothing' | 'none';
type Members = { readonly [member: string]: Form };

const SEND: Members = { tenant: 'nothing', message: 'object', configuration: 'object', metadata: 'object' };
const MESSAGE: Members = {
  messageId: 'text',
  contextId: 'text',
  taskId: 'text',
  role: 'text',
  parts: 'list',
  metadata: 'object',
  // An extension may change what a message means; none is known here (rules §5).
  extensions: 'none',
  referenceTaskIds: 'none',
};
const PART: Members = {
  text: 'text',
  raw: 'text',
  url: 'text',
  data: 'any',
  metadata: 'object',
  filename: 'text',
  mediaType: 'text',
};
const CONFIGURATION: Members = { acceptedOutputModes: 'texts', historyLength: 'count', returnImmediately: 'flag' };

const PART_CONTENT = ['text', 'raw', 'url', 'data'];
const partsMax = 256;

/** Why the params are not those of the method, or null. */
export function paramsFault(params: JsonObject, of: Method): string | null {
  return of.isMessage ? messageFault(params) : taskFault(params, of);
}

function messageFault(params: JsonObject): string | null {
  const { message, configuration } = params;
  if (isJsonObject(configuration) && isSet(configuration.taskPushNotificationConfig)) {
    return 'push notifications are not supported';
  }
  const fault =
    formFault(params, SEND) ?? (isJsonObject(configuration) ? formFault(configuration, CONFIGURATION) : null);
  if (fault !== null) return fault;
  if (!isJsonObject(message)) return '`message` is required';
  const wrong = formFault(message, MESSAGE);
  if (wrong !== null) return wrong;
  const { messageId, role, parts } = message;
  if (typeof messageId !== 'string' || messageId === '') return '`messageId` is required';
  if (role !== 'ROLE_USER') return '`role` has to be ROLE_USER';
  const carried = Array.isArray(parts) && parts.length > 0 && parts.length <= partsMax;
  return carried ? partsFault(parts as readonly JsonValue[]) : '`parts` has to hold 1 to 256 parts';
}

/** Each part has exactly one content. A2A 1.0 §3. */
function partsFault(parts: readonly JsonValue[]): string | null {
  for (const part of parts) {
    if (!isJsonObject(part) || PART_CONTENT.filter((name) => part[name] !== undefined).length !== 1) {
      return 'each part has exactly one of text, raw, url and data';
    }
    const fault = formFault(part, PART);
    if (fault !== null) return fault;
  }
  return null;
}

function taskFault(params: JsonObject, { optional }: Method): string | null {
  const fault = formFault(params, { tenant: 'nothing', id: 'text', ...optional });
  if (fault !== null) return fault;
  return typeof params.id === 'string' && params.id !== '' ? null : '`id` of the task is required';
}

/** The first member that is not one of these, or not of its form. */
function formFault(value: JsonObject, members: Members): string | null {
  for (const [name, member] of Object.entries(value)) {
    const form = Object.hasOwn(members, name) ? members[name]! : null;
    if (form === null) return `\`${name.slice(0, 64)}\` is not carried here`;
    if (!hasForm(member, form)) return `\`${name}\` does not have the form that is carried here`;
  }
  return null;
}

function hasForm(value: JsonValue, form: Form): boolean {
  switch (form) {
    case 'text':
      return typeof value === 'string';
    case 'object':
      return isJsonObject(value);
    case 'list':
      return Array.isArray(value);
    case 'texts':
      return Array.isArray(value) && value.every((one) => typeof one === 'string');
    case 'count':
      return Number.isSafeInteger(value) && (value as number) >= 0;
    case 'flag':
      return typeof value === 'boolean';
    case 'any':
      return true;
    case 'nothing':
      return value === '';
    case 'none':
      return Array.isArray(value) && value.length === 0;
  }
}

function isSet(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null;
}
