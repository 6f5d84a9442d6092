// The published JSON Schema of writ.yaml, for editors: `writ validate --schema` prints it, `writ init` puts it beside the
// file and points at it in the first line.

import type { JsonObject } from '@writ/core';
import * as z from 'zod';
import { ConfigFile } from './schema.ts';

export const schemaFileName = 'writ.schema.json';

/** First line of a file written by `writ init`; the YAML language server follows it. */
export const schemaHeader = `# yaml-language-server: $schema=./${schemaFileName}`;

/** JSON Schema 2020-12 of what may be written; defaults are not required (`io: input`). */
export function configJsonSchema(): JsonObject {
  const schema = z.toJSONSchema(ConfigFile, { io: 'input', target: 'draft-2020-12' });
  return { ...schema, title: 'writ.yaml', description: 'Configuration of a Writ plane.' } as unknown as JsonObject;
}
