// A container that is none: the host's root, its Docker socket or all its privileges are handed in.

import type { ConfiguredServer, Word } from '../configuration.ts';
import { fixOf, serverPiece } from '../fix.ts';
import { containerOptions, programName, unwrapped } from '../launch.ts';
import type { Rule } from '../rule.ts';

export const containerHostAccess: Rule = {
  id: 'container-host-access',
  severity: 'high',
  title: 'container with the host inside',
  why: 'What keeps a container apart is switched off, so the server has the whole machine while it looks contained.',
  onServer: (server) => {
    const openings = containerWords(server).flatMap((word, i, all) => {
      const opening = openingOf(word.text, all[i - 1]?.text ?? '');
      return opening === null ? [] : [{ word, opening }];
    });
    return openings.map(({ word, opening }) => ({
      place: word.place,
      subject: `${server.path}:${opening}`,
      says: `the container of \`${server.name}\` gets ${opening}`,
      evidence: `\`${word.text}\``,
      fix: fixOf('Without that option; mount the one folder it needs, read-only where it only reads.', {
        servers: serverPiece({ ...server, command: without(server.command, word) }),
      }),
    }));
  },
};

function containerWords(server: ConfiguredServer): readonly Word[] {
  const [program, verb, ...rest] = unwrapped(server.command);
  const isRun =
    program !== undefined && /^(?:docker|podman|nerdctl)$/.test(programName(program.text)) && verb?.text === 'run';
  return isRun ? containerOptions(rest).options : [];
}

function openingOf(text: string, before: string): string | null {
  if (text === '--privileged' || text === '--privileged=true') return 'all privileges of the host';
  if (/^--(?:pid|userns|ipc)=host$/.test(text) || (/^--(?:pid|userns|ipc)$/.test(before) && text === 'host'))
    return 'the processes of the host';
  if (/^--cap-add=(?:ALL|SYS_ADMIN)$/i.test(text) || (before === '--cap-add' && /^(?:ALL|SYS_ADMIN)$/i.test(text)))
    return 'the rights of an administrator';
  const isMount = /^(?:-v|--volume|--mount)$/.test(before) || /^(?:-v=?|--volume=|--mount=)/.test(text);
  if (!isMount) return null;
  const value = text.replace(/^(?:-v=?|--volume=|--mount=)/, '');
  const source = /(?:^|,)(?:source|src)=([^,]+)/.exec(value)?.[1] ?? value.split(':')[0]!;
  if (/docker\.sock$|podman\.sock$/.test(source)) return 'the socket that starts containers, which is the host';
  if (/^\/+$|^[A-Za-z]$|^[A-Za-z]:[\\/]?$/.test(source)) return 'the whole file system of the host';
  if (/^(?:\/etc|\/root|\/home|\/Users|\/var|\/proc|\/sys)\/?$/.test(source)) return `\`${source}\` of the host`;
  if (/^(?:~|\$HOME|\$\{HOME\}|\$\{env:HOME\}|\$\{userHome\}|\/(?:home|Users)\/[^/]+)\/?$/.test(source))
    return 'the whole home folder';
  return null;
}

/** Without the word and, for the value of an option, without the option. */
function without(command: readonly Word[], word: Word): readonly Word[] {
  const at = command.indexOf(word);
  if (at === -1) return command;
  const isValue = !word.text.startsWith('-');
  return command.filter((_, i) => i !== at && !(isValue && i === at - 1));
}
