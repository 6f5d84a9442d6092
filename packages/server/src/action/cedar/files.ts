// Cedar files to single policies: each with the author's own id and the place it stands at, so that a denial, a record and
// a complaint all name the same thing. Cedar itself calls policies of one text `policy0`, `policy1`, … and ignores `@id`.

import { basename } from 'node:path';
import {
  type DetailedError,
  type PolicyJson,
  policySetTextToParts,
  policyToJson,
} from '@cedar-policy/cedar-wasm/nodejs';
import { type Problem, placeIn } from '../problem.ts';
import { outcomeFault } from './asking.ts';
import { TRUST_ID } from './trust-rules.ts';

export interface CedarFile {
  /** As the operator named it. */
  readonly path: string;
  readonly text: string;
}

export interface AuthoredPolicy {
  readonly id: string;
  /** From its first annotation to its semicolon. */
  readonly text: string;
  readonly file: CedarFile;
  /** UTF-16 offset of the text in the file. */
  readonly offset: number;
}

/** Made from writ.yaml; an author may not speak under these. */
const RESERVED_ID = /^(allow|calls)\./;
const ID = /^[A-Za-z0-9][A-Za-z0-9._:/@#-]{0,127}$/;

/** Every policy of every file in order, or what is wrong with them. */
export function readCedarFiles(files: readonly CedarFile[]): {
  readonly policies: readonly AuthoredPolicy[];
  readonly problems: readonly Problem[];
} {
  const policies: AuthoredPolicy[] = [];
  const problems: Problem[] = [];
  const seen = new Map<string, AuthoredPolicy>();
  for (const file of files) {
    const read = readCedarFile(file);
    problems.push(...read.problems);
    for (const policy of read.policies) {
      const first = seen.get(policy.id);
      if (first) problems.push(duplicate(policy, first));
      else seen.set(policy.id, policy);
      policies.push(policy);
    }
  }
  return { policies, problems };
}

function readCedarFile(file: CedarFile): { policies: AuthoredPolicy[]; problems: Problem[] } {
  const parts = policySetTextToParts(file.text);
  if (parts.type === 'failure')
    return { policies: [], problems: parts.errors.map((error) => syntaxProblem(error, file)) };
  const statements = splitStatements(file.text);
  // Two readers of one text: where they disagree on what a policy is, nothing is loaded.
  const agreed = sameTexts([...parts.policies, ...parts.policy_templates], statements);
  if (!agreed) {
    return {
      policies: [],
      problems: [problemAt(file, 0, '', 'the file could not be split into policies', 'policies that end in `;`')],
    };
  }
  const templates = new Set(parts.policy_templates);
  const policies: AuthoredPolicy[] = [];
  const problems: Problem[] = [];
  for (const [i, statement] of statements.entries()) {
    const { text, offset } = statement;
    if (templates.has(text)) {
      problems.push(
        problemAt(
          file,
          offset,
          '',
          'a template has no slots filled here',
          'a policy without `?principal` and `?resource`',
        ),
      );
      continue;
    }
    const json = jsonOf(text);
    const id = json?.annotations?.id ?? `${basename(file.path)}#${i + 1}`;
    const takenBy = RESERVED_ID.test(id) ? 'lines of writ.yaml' : TRUST_ID.test(id) ? "Writ's own rules" : null;
    if (takenBy !== null) {
      problems.push(
        problemAt(file, offset, id, `the id \`${id}\` is taken by ${takenBy}`, 'an id that begins otherwise'),
      );
    } else if (!ID.test(id)) {
      problems.push(
        problemAt(
          file,
          offset,
          '',
          'the id is not one that a log can hold',
          'letters, digits and `. _ : / @ # -`, at most 128',
        ),
      );
    }
    const fault = json && outcomeFault(json);
    if (fault) problems.push(problemAt(file, offset, id, fault.says, fault.expected));
    policies.push({ id, text, file, offset });
  }
  return { policies, problems };
}

function jsonOf(text: string): PolicyJson | null {
  const parsed = policyToJson(text);
  return parsed.type === 'success' ? parsed.json : null;
}

function duplicate(policy: AuthoredPolicy, first: AuthoredPolicy): Problem {
  const { line } = placeIn(first.file.text, first.offset);
  const says = `the id \`${policy.id}\` is used already, at ${first.file.path}:${line}`;
  return problemAt(policy.file, policy.offset, policy.id, says, 'an id of its own for every policy');
}

/** Statements of a text that Cedar has parsed: comments and strings aside, each ends at its semicolon. */
export function splitStatements(text: string): readonly { readonly text: string; readonly offset: number }[] {
  const statements: { text: string; offset: number }[] = [];
  const token = /\/\/[^\n]*|"(?:[^"\\]|\\[\s\S])*"|;|\s+|[\s\S]/gu;
  let start: number | null = null;
  for (const found of text.matchAll(token)) {
    const [word] = found;
    if (start === null) {
      if (word.startsWith('//') || word.trim() === '') continue;
      start = found.index;
    }
    if (word === ';') {
      statements.push({ text: text.slice(start, found.index + 1), offset: start });
      start = null;
    }
  }
  return statements;
}

function sameTexts(parts: readonly string[], statements: readonly { readonly text: string }[]): boolean {
  const texts = statements.map(({ text }) => text).sort();
  return parts.length === texts.length && [...parts].sort().every((part, i) => part === texts[i]);
}

function syntaxProblem(error: DetailedError, file: CedarFile): Problem {
  const [source] = error.sourceLocations ?? [];
  const offset = source ? utf16Offset(file.text, source.start) : 0;
  return problemAt(
    file,
    offset,
    '',
    error.message,
    source?.label?.replace(/^expected /, '') ?? error.help ?? 'Cedar policies',
  );
}

/** What Cedar's validator says of one policy, at the place in its file. */
export function policyProblem(policy: AuthoredPolicy, error: DetailedError): Problem {
  const [source] = error.sourceLocations ?? [];
  const offset = policy.offset + (source ? utf16Offset(policy.text, source.start) : 0);
  const says = error.message.replace(`for policy \`${policy.id}\`, `, '');
  return problemAt(policy.file, offset, policy.id, says, error.help ?? 'a policy that fits the schema of this plane');
}

function problemAt(file: CedarFile, offset: number, path: string, says: string, expected: string): Problem {
  return { file: file.path, ...placeIn(file.text, offset), path, says, expected };
}

/** Cedar counts bytes of UTF-8. */
function utf16Offset(text: string, byteOffset: number): number {
  return Buffer.from(text, 'utf8').subarray(0, byteOffset).toString('utf8').length;
}
