// A server that is fetched anew when it starts, in whatever version is newest: whoever publishes the next one runs here.

import { fixOf, serverPiece } from '../fix.ts';
import { fetchedBy } from '../launch.ts';
import type { Rule } from '../rule.ts';

const HOW: { readonly [kind: string]: string } = {
  npm: '`package@1.2.3`',
  python: '`package==1.2.3`',
  image: '`image@sha256:…`',
  deno: '`npm:package@1.2.3`',
};

export const unpinnedPackage: Rule = {
  id: 'unpinned-package',
  severity: 'medium',
  title: 'package without a version',
  why: 'The newest version is fetched and run with the rights of the person, unseen. A pinned version changes when somebody decides so; Writ also pins what its tools say.',
  onServer: (server) => {
    const fetched = fetchedBy(server.command);
    if (fetched === null || fetched.pinned) return [];
    return [
      {
        place: fetched.spec.place,
        subject: `${server.path}:package`,
        says: `\`${server.name}\` runs whatever is newest of a package`,
        evidence: `\`${fetched.runner}\` fetches \`${fetched.spec.text}\``,
        fix: fixOf(`Write the version you reviewed, as ${HOW[fetched.kind]}, into \`command\`.`, {
          servers: serverPiece(server),
        }),
      },
    ];
  },
};
