// A file server over a whole disk or home: keys, mail and browser profiles included.

import { agentPiece, fixOf, serverKey, serverPiece } from '../fix.ts';
import { programName, unwrapped } from '../launch.ts';
import type { Rule } from '../rule.ts';

const FILE_SERVER =
  /(?:server-filesystem|filesystem-server|mcp-filesystem|filesystem-mcp|mcp-server-fs|server-fs|mcp[-_]server[-_]filesystem)/i;
const WHOLE =
  /^(?:\/+|[A-Za-z]:[\\/]?|~\/?|\$HOME\/?|\$\{(?:env:)?HOME\}\/?|\$\{userHome\}\/?|%USERPROFILE%\\?|\/(?:home|Users|root|etc|var)\/?|\/(?:home|Users)\/[^/]+\/?|[A-Za-z]:[\\/]Users(?:[\\/][^\\/]+)?[\\/]?)$/;

export const broadFolder: Rule = {
  id: 'broad-folder',
  severity: 'medium',
  title: 'file server over a whole home or disk',
  why: 'Whatever talks the agent into reading a file reaches keys and mail as well. One folder, and the tools that are needed, are enough.',
  onServer: (server) => {
    const words = unwrapped(server.command);
    if (
      !words.some(({ text }) => FILE_SERVER.test(text)) ||
      words.some(({ text }) => /^(?:docker|podman)$/.test(programName(text)))
    )
      return [];
    return words.slice(1).flatMap((word) =>
      WHOLE.test(word.text)
        ? [
            {
              place: word.place,
              subject: `${server.path}:${word.text}`,
              says: `\`${server.name}\` reads and writes everything below \`${word.text}\``,
              evidence: `argument \`${word.text}\` of a file server`,
              fix: fixOf('One folder instead, and only reading until more is needed.', {
                agents: agentPiece(server, [`${serverKey(server.name)}:read_file`]),
                servers: serverPiece({
                  ...server,
                  command: server.command.map((one) => (one === word ? { ...one, text: './docs' } : one)),
                }),
              }),
            },
          ]
        : [],
    );
  },
};
