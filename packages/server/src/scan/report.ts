// What a scan says to people and to programs: a table by severity, and the JSON of contract §12.

import { type Finding, isAtLeast, type ScanResult, SEVERITIES, type Severity } from './finding.ts';

export type Paint = (style: 'red' | 'yellow' | 'cyan' | 'bold' | 'dim' | 'green', text: string) => string;

/** Contract §12. Added: `column`, null beside `line` where nothing on disk says it. */
export function scanJson(result: ScanResult, version: string) {
  return {
    version,
    scanned: result.scanned,
    findings: result.findings.map(({ place, id, rule, severity, says, evidence, fix }) => ({
      id,
      rule,
      severity,
      file: place?.file ?? null,
      line: place?.line ?? null,
      column: place?.column ?? null,
      says,
      evidence,
      fix,
    })),
    probes: result.probes,
  };
}

/** `visible` takes out what could steer the terminal: names in configurations are written by others. */
export function scanText(result: ScanResult, paint: Paint, visible: (text: string) => string): string {
  const colours = { high: 'red', medium: 'yellow', low: 'cyan' } as const;
  const blocks = result.findings.map((one) =>
    [
      `${paint(colours[one.severity], one.severity.padEnd(6))}  ${paint('bold', one.rule)}  ${visible(placeText(one))}`,
      `        ${visible(one.says)}`,
      `        ${paint('dim', visible(one.evidence))}`,
      ...one.fix
        .trimEnd()
        .split('\n')
        .map((line) => `          ${visible(line)}`),
    ].join('\n'),
  );
  const probes = result.probes.map(
    ({ url, result: how, detail }) =>
      `${paint(how === 'open' ? 'red' : how === 'protected' ? 'green' : 'dim', how.padEnd(11))}  ${visible(url)}  ${visible(detail)}`,
  );
  return [...blocks, ...(probes.length === 0 ? [] : [probes.join('\n')]), summary(result)].join('\n\n');
}

function placeText({ place }: Finding): string {
  return place === null ? '' : `${place.file}:${place.line}`;
}

function summary({ scanned, findings, probes }: ScanResult): string {
  const counts = SEVERITIES.toReversed().map(
    (severity) => `${findings.filter((one) => one.severity === severity).length} ${severity}`,
  );
  const asked = probes.length === 0 ? '' : `, ${probes.length} endpoints asked`;
  return `${scanned.length} files read${asked}: ${findings.length === 0 ? 'nothing found' : counts.join(', ')}`;
}

/** 1 when something weighs at least as much as was asked for. */
export function exitCodeOf(result: ScanResult, failOn: Severity | 'none'): 0 | 1 {
  return failOn !== 'none' && result.findings.some(({ severity }) => isAtLeast(severity, failOn)) ? 1 : 0;
}
