// Where the plane listens and what may leave the machine in clear: loopback, or TLS. Contract §5, rules §1.2, §2.6.

import { isIP } from 'node:net';
import type { Complaint } from './problems.ts';
import type { ConfigFile } from './schema.ts';
import { isPlainUrl } from './words.ts';
import { parseAddress } from './work-out.ts';

type Path = readonly (string | number)[];

export function checkAddresses(written: ConfigFile): readonly Complaint[] {
  return [
    ...checkPorts(written),
    ...checkListeners(written),
    ...checkExternal(written),
    ...checkUpstreams(written),
    ...checkRedirects(written),
  ];
}

export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, '');
  if (isIP(plain) === 4) return plain.startsWith('127.');
  if (isIP(plain) === 6) return plain === '::1';
  return plain === 'localhost';
}

function wrong(path: Path, says: string, expected: string): Complaint {
  return { path, at: 'value', says, expected };
}

const listeners = ['mtls', 'oauth', 'admin', 'issuer'] as const;

function checkPorts({ listen }: ConfigFile): readonly Complaint[] {
  const seen = new Map<string, string>();
  const found: Complaint[] = [];
  for (const name of listeners) {
    const text = listen?.[name];
    if (text === undefined) continue;
    const { host, port } = parseAddress(text);
    if (port > 65_535) found.push(wrong(['listen', name], `there is no port ${port}`, 'a port from 0 to 65535'));
    const other = seen.get(`${host}:${port}`);
    if (port !== 0 && other !== undefined) {
      found.push(wrong(['listen', name], `\`${text}\` is the address of \`${other}\` too`, 'an address of its own'));
    }
    seen.set(`${host}:${port}`, name);
  }
  return found;
}

function checkListeners({ listen, external }: ConfigFile): readonly Complaint[] {
  const found: Complaint[] = [];
  const beyond = (name: (typeof listeners)[number]): boolean => {
    const text = listen?.[name];
    return text !== undefined && !isLoopback(parseAddress(text).host);
  };
  if (beyond('oauth')) {
    const expected =
      'a loopback address; let a TLS proxy on this machine face the network, and name it in `external.oauth`';
    found.push(wrong(['listen', 'oauth'], 'plain HTTP stays on this machine', expected));
  }
  if (beyond('admin') && listen?.issuer === undefined) {
    const expected = 'a loopback address, or an address of its own for the issuer in `listen.issuer`';
    found.push(wrong(['listen', 'admin'], 'the issuer would answer beyond this machine on the admin port', expected));
  }
  const issuerBeyond = listen?.issuer === undefined ? beyond('admin') : beyond('issuer');
  if (issuerBeyond && listen?.issuer !== undefined && external?.issuer === undefined) {
    const expected = 'an https URL in `external.issuer`, or a loopback address here';
    found.push(wrong(['listen', 'issuer'], 'an http issuer would be reachable beyond this machine', expected));
  }
  return found;
}

function checkExternal({ external }: ConfigFile): readonly Complaint[] {
  return (['mtls', 'oauth', 'issuer'] as const).flatMap((name) => {
    const text = external?.[name];
    if (text === undefined || !isPlainUrl(text)) return [];
    const url = new URL(text);
    if (name === 'mtls' && url.protocol !== 'https:') {
      return [wrong(['external', name], `\`${text}\` is not https`, 'an https URL: callers show a certificate there')];
    }
    if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
      return [wrong(['external', name], `\`${text}\` is plain http beyond this machine`, 'an https URL')];
    }
    return [];
  });
}

function checkUpstreams({ agents, servers, pdp }: ConfigFile): readonly Complaint[] {
  const clear = (text: string | undefined): boolean =>
    text?.startsWith('http:') === true && URL.canParse(text) && !isLoopback(new URL(text).hostname);
  return [
    ...Object.entries(agents ?? {}).flatMap(([key, agent]) =>
      clear(agent.a2a)
        ? [
            wrong(
              ['agents', key, 'a2a'],
              'messages to an agent do not leave this machine in clear',
              'https, loopback or `unix:`',
            ),
          ]
        : [],
    ),
    ...Object.entries(servers ?? {}).flatMap(([key, { mcp, http, credential }]) =>
      credential !== undefined && clear(mcp?.url ?? http?.url)
        ? [
            wrong(
              ['servers', key, http ? 'http' : 'mcp', 'url'],
              'a credential does not leave this machine in clear',
              'an https URL',
            ),
          ]
        : [],
    ),
    // An answer in clear could be made by anybody on the way.
    ...Object.entries(pdp ?? {}).flatMap(([key, point]) =>
      (['opa', 'authzen'] as const)
        .filter((kind) => clear(point[kind]))
        .map((kind) => wrong(['pdp', key, kind], 'a decision is not asked for in clear', 'https, or http on loopback')),
    ),
  ];
}

/** RFC 8252 §7, OAuth 2.1 §8.4: https, a private scheme, or http on loopback. */
function checkRedirects({ clients }: ConfigFile): readonly Complaint[] {
  return Object.entries(clients ?? {}).flatMap(([key, client]) =>
    (client.redirectUris ?? []).flatMap((text, i) => {
      const path = ['clients', key, 'redirectUris', i];
      if (!URL.canParse(text)) return [wrong(path, `\`${text}\` is not a URL`, 'a redirect URI')];
      const url = new URL(text);
      if (url.hash !== '') return [wrong(path, `\`${text}\` has a fragment`, 'a redirect URI without `#`')];
      if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
        return [wrong(path, `\`${text}\` would carry a code in clear`, 'https, or http on loopback')];
      }
      if (['javascript:', 'data:', 'file:', 'vbscript:', 'blob:'].includes(url.protocol)) {
        return [
          wrong(
            path,
            `\`${text}\` leads nowhere an application answers`,
            'https, http on loopback, or a private scheme',
          ),
        ];
      }
      return [];
    }),
  );
}
