// Secrets in a `.env` file that a configuration names: out of the configuration, and still in the clear on disk.

import { fixOf, serverPiece } from '../fix.ts';
import type { Rule } from '../rule.ts';
import { redacted } from '../secrets.ts';
import { article, historyText } from './secret-in-config.ts';

export const secretInEnvFile: Rule = {
  id: 'secret-in-env-file',
  severity: 'medium',
  title: 'secret in the clear in a .env file',
  why: 'A file beside the project is read by every tool that runs there, agents included, and is committed by accident. Writ gives the secret to one server and to nobody else.',
  onSecrets: (secrets) =>
    secrets
      .filter((one) => one.isEnvFile)
      .map((one) => ({
        place: one.place,
        subject: one.key,
        severity: one.history.tracked ? ('high' as const) : ('medium' as const),
        says: `${article(one.secret.name)} lies in a \`.env\` file ${one.history.tracked ? 'that is in git' : one.isReadableByOthers ? 'that others on this machine may read' : 'in the clear'}`,
        evidence: `\`${one.key}\` holds ${article(one.secret.name)}: ${redacted(one.secret.value)}${historyText(one)}`,
        fix: fixOf(
          `${one.history.tracked ? 'Replace it at its issuer and take the file out of git.' : 'Move it out of the project, readable by the plane alone (0600).'}\nThe plane reads it from its own environment; the client reaches the server through Writ.`,
          one.server === null ? {} : { servers: serverPiece(one.server) },
        ),
      })),
};
