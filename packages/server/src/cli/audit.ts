// `writ audit verify DIR|URL`: is the log whole, signed, and does every record say what it may? Needs no running plane.

import { existsSync, readFileSync } from 'node:fs';
import { type AuditReport, verifyAudit } from '../audit/verify-audit.ts';
import { checkDecision } from './check-decision.ts';
import { findReady } from './plane.ts';
import { unreachable, usage } from './stop.ts';
import { table } from './terminal.ts';
import { planeOptions, type VerbGroup, verb } from './verb.ts';

const verify = verb({
  summary: 'check a log of records: whole, signed, nothing swapped or removed',
  options: {
    source: {
      type: 'positional',
      required: false,
      description: 'folder or URL of a log (default: the log of the plane here)',
    },
    vkey: {
      type: 'string',
      repeat: true,
      valueHint: 'key',
      description: 'verifier key, or a file with one a line; from outside the log',
    },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const source = args.source ?? findReady({ ...args, env: channels.env })?.logDir;
    if (!source) throw usage('name a log: a folder, or a URL');
    if (!/^https?:/.test(source) && !existsSync(source))
      throw unreachable(`\`${source}\` does not exist; a log is in \`<data>/audit\``);
    const vkeys = args.vkey.flatMap(keysIn);
    const report = await verifyAudit(source, { vkeys, checkDecision }).catch((error: unknown) => {
      if (error instanceof TypeError && vkeys.length > 0) throw usage(error.message);
      throw error instanceof Error ? unreachable(`\`${source}\` cannot be read: ${error.message}`) : error;
    });
    for (const warning of report.warnings) terminal.note(`writ: ${warning}`);
    terminal.answer(report, () => reportText(report));
    return report.ok ? 0 : 1;
  },
});

function keysIn(text: string): readonly string[] {
  if (!existsSync(text)) return [text];
  return readFileSync(text, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
}

function reportText(report: AuditReport): string {
  const facts = [
    [
      report.ok ? 'chain intact' : 'CHAIN BROKEN',
      `${report.origin ?? 'no origin'}, ${report.size ?? 0} records under the checkpoint`,
    ],
    ['decisions', String(report.decisions)],
    ['outcome unknown', String(report.unknownOutcomes.length)],
  ];
  const findings = report.findings.map(({ code, sequence, file, offset, says }) => [
    `  ${code}`,
    sequence === null ? '' : `record ${sequence}`,
    file === null ? '' : `${file}${offset === null ? '' : `:${offset}`}`,
    says,
  ]);
  return findings.length === 0 ? table(facts) : `${table(facts)}\n${table(findings)}`;
}

const group: VerbGroup = { summary: 'check the record of what happened', verbs: { verify } };
export default group;
