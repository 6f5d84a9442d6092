// The file itself: one that others may write decides for them what runs here; one that cannot be read was not looked at.

import { fixOf, serverPiece } from '../fix.ts';
import type { Rule } from '../rule.ts';

export const configWritable: Rule = {
  id: 'config-writable',
  severity: 'high',
  title: 'configuration that anybody may write',
  why: 'A line in this file is a program that runs as its owner. Every user and every process of the machine may add one.',
  onFile: ({ file, mode, configuration }) => {
    if ((mode & 0o002) === 0) return [];
    const server = configuration?.servers[0];
    return [
      {
        place: { file, line: 1, column: 1, endColumn: null },
        subject: 'mode',
        says: 'anybody on this machine may write this configuration',
        evidence: `mode ${(mode & 0o777).toString(8)}`,
        fix: fixOf(
          'Take the right away with `chmod o-w`; what runs is better said in writ.yaml, which belongs to the plane.',
          server === undefined ? {} : { servers: serverPiece(server) },
        ),
      },
    ];
  },
};

export const configUnreadable: Rule = {
  id: 'config-unreadable',
  severity: 'low',
  title: 'configuration that cannot be read',
  why: 'What the scan cannot read it cannot judge, while the client may well read it in its own way.',
  onFile: ({ fault }) =>
    fault === null
      ? []
      : [
          {
            place: fault.place,
            subject: 'form',
            says: 'this configuration could not be read and was not judged',
            evidence: fault.says,
            fix: fixOf('Put the file in order and scan again; `writ init --from` takes its servers over.'),
          },
        ],
};
