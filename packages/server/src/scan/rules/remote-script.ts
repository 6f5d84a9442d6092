// `curl … | sh` as a server: code that is downloaded at every start and never seen.

import { fixOf, serverKey } from '../fix.ts';
import type { Rule } from '../rule.ts';

const DOWNLOADER = /curl|wget|fetch|iwr|irm|Invoke-\w+/i;
const PIPED =
  /\b(?:curl|wget|fetch|iwr|irm|Invoke-WebRequest|Invoke-RestMethod)\b[^|;&]*\|\s*(?:sudo\s+)?(?:(?:\/\S*\/)?(?:ba|z|da|k)?sh|python3?|node|perl|ruby|iex|Invoke-Expression)\b/i;
const SUBSTITUTED = /\b(?:(?:ba|z|da|k)?sh|eval|source|python3?|node)\b[^;&|]*(?:\$\(|<\(|`)\s*(?:curl|wget)\b/i;

export const remoteScript: Rule = {
  id: 'remote-script',
  severity: 'high',
  title: 'downloaded script is run',
  why: 'Whoever holds that address, or the way to it, runs code here with the rights of the person, each time the agent starts.',
  onServer: (server) => {
    const line = server.command.map(({ text }) => text).join(' ');
    const found = PIPED.exec(line) ?? SUBSTITUTED.exec(line);
    if (found === null) return [];
    return [
      {
        place: (server.command.find(({ text }) => PIPED.test(text) || SUBSTITUTED.test(text)) ?? server.command[0]!)
          .place,
        subject: `${server.path}:command`,
        says: `\`${server.name}\` downloads a script and runs it`,
        evidence: `the command hands what \`${DOWNLOADER.exec(found[0])![0]}\` brings to an interpreter`,
        fix: fixOf('Install the program once, look at it, and name the installed file.', {
          servers: { [serverKey(server.name)]: { mcp: { command: [`./bin/${serverKey(server.name)}`] } } },
        }),
      },
    ];
  },
};
