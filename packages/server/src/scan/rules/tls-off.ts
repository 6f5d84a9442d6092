// Certificates are not looked at: the connection is encrypted to whoever answers.

import type { ConfiguredServer, Word } from '../configuration.ts';
import { fixOf, serverPiece } from '../fix.ts';
import type { Rule } from '../rule.ts';

const SWITCHES: readonly (readonly [name: RegExp, value: RegExp])[] = [
  [/^NODE_TLS_REJECT_UNAUTHORIZED$/, /^0$/],
  [
    /^(?:PYTHONHTTPSVERIFY|SSL_VERIFY|VERIFY_SSL|TLS_VERIFY|VERIFY_TLS|[A-Z]+_(?:SSL|TLS)_VERIFY|[A-Z]+_VERIFY_(?:SSL|TLS))$/,
    /^(?:0|false|no|off)$/i,
  ],
  [/^GIT_SSL_NO_VERIFY$/, /^(?:1|true)$/i],
  [/^(?:CURL|REQUESTS)_CA_BUNDLE$/, /^$/],
];
const OPTIONS =
  /^--(?:insecure|no-verify-ssl|skip-tls-verify|tls-skip-verify|insecure-skip-tls-verify|ignore-certificate-errors|no-check-certificate|verify(?:-ssl|-tls)?=false)$/;

export const tlsOff: Rule = {
  id: 'tls-off',
  severity: 'medium',
  title: 'certificates are not checked',
  why: 'Anybody on the way can read and change what the agent sends, its credential first.',
  onServer: (server) => [
    ...server.env.flatMap((one) =>
      SWITCHES.some(([name, value]) => name.test(one.name) && value.test(one.text))
        ? [hit(server, one, `${one.name}=${one.text}`)]
        : [],
    ),
    ...server.command.flatMap((word) => (OPTIONS.test(word.text) ? [hit(server, word, word.text)] : [])),
  ],
};

function hit(server: ConfiguredServer, { place }: Word, what: string) {
  const name = what.split('=')[0]!;
  const checked: ConfiguredServer = {
    ...server,
    env: server.env.filter((one) => one.name !== name),
    command: server.command.filter(({ text }) => text !== what),
  };
  return {
    place,
    subject: `${server.path}:${name}`,
    says: `\`${server.name}\` talks to whoever answers: certificates are not checked`,
    evidence: `\`${what}\``,
    fix: fixOf('Without the switch; add the authority of your own network to the trust store instead.', {
      servers: serverPiece(checked),
    }),
  };
}
