// A secret written into a configuration: every process of the same person reads it, every backup and repository keeps it.

import type { Hit } from '../finding.ts';
import { environmentName, fixOf, serverPiece } from '../fix.ts';
import type { KeptSecret, Rule } from '../rule.ts';
import { redacted } from '../secrets.ts';

export const secretInConfig: Rule = {
  id: 'secret-in-config',
  severity: 'high',
  title: 'secret written into a configuration',
  why: 'Whoever reads the file, its backups or its history holds the secret. Writ keeps a reference and hands the secret to the server alone.',
  onSecrets: (secrets) => secrets.filter((one) => !one.isEnvFile).map(hitOf),
};

const WHERE: { readonly [where in KeptSecret['where']]: string } = {
  environment: 'environment variable',
  header: 'header',
  argument: 'argument, which every process of this machine can read',
  url: 'part of an address, which ends up in logs',
  setting: 'setting',
  text: 'comment or other text',
};

function hitOf(one: KeptSecret): Hit {
  const name = article(one.secret.name);
  return {
    place: one.place,
    subject: `${one.server?.path ?? ''}:${one.where}:${one.key}`,
    says: `${name} is written into ${owner(one)} as ${/^[aeiou]/.test(WHERE[one.where]) ? 'an' : 'a'} ${WHERE[one.where]}`,
    evidence: `\`${one.key}\` holds ${name}: ${redacted(one.secret.value)}${historyText(one)}`,
    fix: fixOf(todo(one), one.server === null ? {} : { servers: serverPiece(one.server) }),
    ...(one.secret.name === 'Stripe test key' ? { severity: 'medium' as const } : {}),
  };
}

function owner(one: KeptSecret): string {
  return one.server === null ? `a configuration of ${one.client}` : `the entry of \`${one.server.name}\``;
}

function todo(one: KeptSecret): string {
  const rotate = one.history.tracked
    ? 'It is in git, so replace it at its issuer; deleting the line is not enough.'
    : 'Replace it at its issuer if others could read this file.';
  const variable = one.where === 'environment' ? one.key : environmentName(`${one.server?.name ?? one.client}_TOKEN`);
  return `${rotate}\nPut the new one into the plane's environment as ${/^\w+$/.test(variable) ? variable : environmentName(variable)}, and let clients reach the server through Writ.`;
}

export function historyText({ history, ageDays }: KeptSecret): string {
  if (!history.tracked) return '';
  if (ageDays === null) return '; the file is in git, this line is not committed yet';
  return `; in git for ${ageDays === 1 ? 'a day' : `${ageDays} days`}`;
}

export function article(name: string): string {
  return `${/^(?:[AEIOUaeiou]|npm|xAI)/.test(name) ? 'an' : 'a'} ${name}`;
}
