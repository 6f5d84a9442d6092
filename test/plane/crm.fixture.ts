// A CRM as a plain REST API, with the OpenAPI document and the manifest its operator has: it keeps every request as it came.

import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Crm {
  readonly url: string;
  /** What reached it, in order. */
  readonly seen: Seen[];
  /** Another answer than its own, until it is taken away. */
  answer: ((req: IncomingMessage, res: ServerResponse) => void) | null;
  close(): Promise<void>;
}

export async function startCrm(): Promise<Crm> {
  const crm: { seen: Seen[]; answer: Crm['answer'] } = { seen: [], answer: null };
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const part of req) body += String(part);
    crm.seen.push({ method: req.method!, url: req.url!, headers: req.headers, body });
    if (crm.answer !== null) return crm.answer(req, res);
    res.setHeader('set-cookie', 'session=1');
    res.setHeader('x-total', '1');
    res.setHeader('x-undeclared', 'no');
    const json = (status: number, value: unknown) =>
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (req.url!.startsWith('/v1/events')) {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write('data: one\n\nda');
      return void setImmediate(() => res.end('ta: two\n\n'));
    }
    if (req.method === 'DELETE') return void res.writeHead(204).end();
    if (req.method === 'POST') return void json(201, { id: 'c9', ...JSON.parse(body) });
    json(200, { id: 'c1', name: 'Ada', note: 'call back' });
  });
  server.unref();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return Object.assign(crm, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  });
}

const crmDocument = `openapi: 3.1.0
info: { title: CRM, version: "1" }
paths:
  /contacts/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: string, maxLength: 20 } }
    get:
      operationId: getContact
      summary: One contact
      parameters:
        - { name: fields, in: query, schema: { type: array, items: { type: string } }, explode: false }
        - { name: tag, in: query, schema: { type: array, items: { type: string } } }
        - { name: limit, in: query, schema: { type: integer, minimum: 1, maximum: 50 } }
        - { name: q, in: query, schema: { type: string } }
        - { name: X-Region, in: header, schema: { enum: [eu, us], type: string } }
      responses:
        "200":
          description: found
          headers: { X-Total: { schema: { type: integer } } }
          content: { application/json: { schema: { $ref: "#/components/schemas/Contact" } } }
        4XX: { description: not found, content: { application/json: {} } }
    delete:
      operationId: deleteContact
      responses: { "204": { description: gone } }
  /contacts/me:
    get: { operationId: getMe, responses: { "200": { description: me, content: { application/json: {} } } } }
  /contacts:
    post:
      operationId: createContact
      requestBody:
        required: true
        content: { application/json: { schema: { $ref: "#/components/schemas/Contact" } } }
      responses: { "201": { description: made, content: { application/json: {} } } }
  /events:
    get: { operationId: watch, responses: { "200": { description: events, content: { text/event-stream: {} } } } }
  /reports/{name}.pdf:
    get: { operationId: getReport, responses: { "200": { description: a file, content: { application/pdf: {} } } } }
components:
  schemas:
    Contact:
      type: object
      required: [name]
      properties:
        name: { type: string }
        note: { type: string }
        age: { type: integer }
        manager: { $ref: "#/components/schemas/Contact" }
`;

const crmManifest = `manifest: 1
servers:
  crm:
    tools:
      getContact:
        risk: 1
        effect: read
        args: { /path/id: { role: target, type: id }, /query: { role: ignored }, /header: { role: ignored } }
        outputs: [{ at: "/note", text: 1 }, { at: "", text: 3, keys: 3 }]
      createContact:
        risk: 2
        effect: write
        args: { /body/name: { role: target, type: text }, /body: { role: payload } }
        outputs: [{ at: "", text: 3, keys: 3 }]
`;

export const crmKey = 'key-of-the-crm-0123456789';
export const crmScopes = ['getContact', 'deleteContact', 'createContact', 'watch', 'getMe'].map(
  (name) => `crm:${name}`,
);

/** A plane whose one callee is the CRM; its files go to `folder`. */
export async function startCrmWorld(crm: Crm, folder: string): Promise<TestPlane> {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return JSON.stringify(join(folder, name));
  };
  return startTestPlane({
    environment: { CRM_KEY: crmKey },
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, inputs: gated, calls: [crm], scopes: ${JSON.stringify(crmScopes)}, memory: task }
  db/agent: { attest: { launched: true }, calls: [claude/orchestrator] }
servers:
  crm:
    http: { url: "${crm.url}", openapi: ${file('crm.yaml', crmDocument)} }
    credential: { env: CRM_KEY }
    manifest: ${file('crm.manifest.yaml', crmManifest)}
users:
  howard: { roles: [admin, approver] }
allow:
  - { agent: claude/orchestrator, tool: crm/getContact }
  - { agent: claude/orchestrator, tool: crm/createContact, where: { /body/name: { oneOf: [Ada, Grace] } } }
  - { agent: claude/orchestrator, tool: crm/watch, risk: 1 }
  - { agent: claude/orchestrator, tool: crm/getMe, risk: 1 }
  - { agent: claude/orchestrator, tool: crm/deleteContact }
`,
  });
}
