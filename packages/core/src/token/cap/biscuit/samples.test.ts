// The official Biscuit v2 samples: Writ's verdict on each signature is the reference library's, revocation ids are the same, and
// what Writ refuses besides is refused for a reason that is named here.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { publicData, publicJson } from '../../../../../../test/public-data.ts';
import { fromHex, toHex } from '../../../std/bytes.ts';
import { capEngine } from '../keys.fixture.ts';
import { readBlock } from './block.ts';
import { readBiscuit, writeBiscuit } from './container.ts';
import { datalogText } from './datalog.ts';
import { forgedBlock } from './signature.ts';
import { openSymbols } from './symbols.ts';
import { writeBlock } from './write-block.ts';

interface Samples {
  readonly root_public_key: string;
  readonly testcases: readonly {
    readonly filename: string;
    readonly token: readonly { readonly code: string; readonly external_key: string | null }[];
    readonly validations: { readonly [name: string]: { readonly result: object; readonly revocation_ids: string[] } };
  }[];
}

const folder = publicData('biscuit/samples/current');
const path = 'biscuit/samples/current/samples.json';
// AIP is Ed25519 only (lab aip §1), so keys on another curve are refused unread.
const OTHER_CURVE = ['test036_secp256r1.bc', 'test037_secp256r1_third_party.bc'];

if (folder.skip) test('the official samples', { skip: folder.skip }, () => {});
else {
  const { root_public_key: rootKey, testcases } = publicJson<Samples>(path);
  const root = fromHex(rootKey)!;
  for (const { filename, validations } of testcases) {
    const [{ result, revocation_ids: ids }] = Object.values(validations) as [
      { result: object; revocation_ids: string[] },
    ];
    const genuine = !JSON.stringify(result).includes('"Format"');
    const bytes = new Uint8Array(readFileSync(join(folder.path, filename)));
    test(`${filename}: ${OTHER_CURVE.includes(filename) ? 'another curve is refused' : genuine ? 'genuine' : 'not genuine'}`, () => {
      const token = readBiscuit(bytes);
      if (OTHER_CURVE.includes(filename)) return assert.equal(token, null);
      assert.equal(token !== null && forgedBlock(token, root, capEngine) === null, genuine);
      if (!genuine || token === null) return undefined;
      assert.deepEqual(writeBiscuit(token), bytes, 'one spelling');
      if (ids.length > 0)
        assert.deepEqual(
          token.blocks.map(({ signature }) => toHex(signature)),
          ids,
        );
      return undefined;
    });
  }

  test('blocks made of facts and checks are read as the reference prints them, and written back byte by byte', () => {
    const read: string[] = [];
    for (const { filename, token: shown } of testcases) {
      const token = readBiscuit(new Uint8Array(readFileSync(join(folder.path, filename))));
      if (!token) continue;
      const shared = openSymbols();
      const written = openSymbols();
      for (const [i, block] of token.blocks.entries()) {
        const [symbols, again] = block.external ? [openSymbols(), openSymbols()] : [shared, written];
        const datalog = readBlock(block.payload, symbols, block.external ? 'third' : 'chain');
        if (!datalog) break;
        if (genuineOf(filename)) {
          // The reference prints text of others as it is; here it is quoted.
          assert.equal(datalogText(datalog).replaceAll('\\t', '\t'), shown[i]!.code.trim(), filename);
        }
        assert.deepEqual(writeBlock(datalog, again, block.external ? 'third' : 'chain'), block.payload, filename);
        read.push(`${filename} ${i}`);
      }
    }
    assert.ok(read.length > 25, `only ${read.length} blocks were read`);
  });

  // A sample that was tampered with does not hold what its page shows.
  function genuineOf(filename: string): boolean {
    return !JSON.stringify(testcases.find((one) => one.filename === filename)!.validations).includes('"Format"');
  }
}
