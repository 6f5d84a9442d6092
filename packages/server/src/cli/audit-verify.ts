// `writ audit verify DIR|URL`: is the log whole, signed, and does every record say what it may? Needs no running plane.

import { readFileSync } from 'node:fs';
import { parseWitnessPolicy, type WitnessPolicy } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { type AuditReport, verifyAudit } from '../audit/verify-audit.ts';
import { logStop, sourceOf, sourceOption, vkeyOption, vkeysOf } from './audit-source.ts';
import { checkDecision } from './check-decision.ts';
import { usage } from './stop.ts';
import { table } from './terminal.ts';
import { planeOptions, verb } from './verb.ts';

export const verify = verb({
  summary: 'check a log of records: whole, signed, nothing swapped or removed',
  options: {
    ...sourceOption,
    ...vkeyOption,
    witnesses: {
      type: 'string',
      valueHint: 'file',
      description: 'policy (C2SP): which witnesses, and how many are enough',
    },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const source = sourceOf(args, channels.env);
    const policy = args.witnesses === undefined ? undefined : policyIn(args.witnesses);
    const report = await verifyAudit(source, { vkeys: vkeysOf(args), policy, checkDecision }).catch(
      (error: unknown) => {
        throw logStop(source, error);
      },
    );
    for (const warning of report.warnings) terminal.note(`writ: ${warning}`);
    terminal.answer(report, () => reportText(report));
    return report.ok ? 0 : 1;
  },
});

function policyIn(file: string): WitnessPolicy {
  const read = parseWitnessPolicy(nodeEngine, readFileSync(file));
  if (!read.ok) throw usage(`\`${file}\` is not a witness policy: ${read.says}`);
  return read.value;
}

function reportText(report: AuditReport): string {
  const facts = [
    [
      report.ok ? 'chain intact' : 'CHAIN BROKEN',
      `${report.origin ?? 'no origin'}, ${report.size ?? 0} records under the checkpoint`,
    ],
    ['decisions', String(report.decisions)],
    ['outcome unknown', String(report.unknownOutcomes.length)],
    ...report.cosignatures.map(({ name, timeSeconds }) => [
      'seen by',
      `${name} at ${new Date(timeSeconds * 1000).toISOString()}`,
    ]),
  ];
  const findings = report.findings.map(({ code, sequence, file, offset, says }) => [
    `  ${code}`,
    sequence === null ? '' : `record ${sequence}`,
    file === null ? '' : `${file}${offset === null ? '' : `:${offset}`}`,
    says,
  ]);
  return findings.length === 0 ? table(facts) : `${table(facts)}\n${table(findings)}`;
}
