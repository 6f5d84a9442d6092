// `writ cap inspect`: what a capability says, with no key at all: so all of it is marked as unverified. For each party, what it may do
// and what it lost on the way.

import { cap, chainFromClaims, parseJws, utf8Text } from '@writ/core';
import { chainText, encodingOf, type Row, rowsOfChain } from './cap-chain.ts';
import { readCapability } from './cap-keys.ts';
import { chainIn } from './cap-mint.ts';
import { refused } from './stop.ts';
import { visible } from './terminal.ts';
import { verb } from './verb.ts';

export const inspect = verb({
  summary: 'show what a capability says, without checking it',
  options: {
    token: { type: 'positional', description: 'file with a capability, or the capability; `-` reads stdin' },
    datalog: { type: 'boolean', description: 'show the blocks of a Biscuit as Datalog too' },
  },
  async run({ args, terminal }) {
    const text = readCapability(args.token);
    const encoding = encodingOf(text);
    if (encoding === null) throw refused('token.malformed: this is no capability that is known here');
    const chain = encoding === 'jwt' ? jwtChain(text) : chainIn(text);
    const blocks = encoding === 'aip-chained' ? datalogOf(text) : encoding === 'macaroon' ? caveatsOf(text) : [];
    terminal.answer({ verified: false, encoding, chain, blocks, holder: chain.at(-1)?.actor ?? null }, () => {
      const head = `${terminal.paint('yellow', 'UNVERIFIED')}: ${encoding}; anybody can write this, \`writ cap verify\` checks it`;
      const shown =
        chain.length === 0 ? 'its parts are not ones that can be read here' : chainText(chain, terminal.paint);
      return [
        head,
        shown,
        ...(args.datalog || chain.length === 0 ? blocks.flatMap((block) => block.split('\n').map(visible)) : []),
      ].join('\n');
    });
    return 0;
  },
});

function jwtChain(text: string): readonly Row[] {
  const chain = chainFromClaims(parseJws(text)!.claims);
  return typeof chain === 'string' ? [] : rowsOfChain(chain.links, chain.links.length);
}

function datalogOf(text: string): readonly string[] {
  const token = cap.parseChained(text)!;
  return cap.readBlocks(token).map((block, i) => {
    const head = `// block ${i}${token.blocks[i]!.external ? ', signed by a third party' : ''}`;
    return `${head}\n${block ? cap.datalogText(block) : '// holds what this reader does not know'}`;
  });
}

function caveatsOf(text: string): readonly string[] {
  return cap.parseMacaroons(text)!.flatMap(({ caveats }) =>
    caveats.map(({ identifier, verificationId }) => {
      const words = utf8Text(identifier) ?? `base64:${Buffer.from(identifier).toString('base64')}`;
      return verificationId ? `third party: ${words}` : words;
    }),
  );
}
