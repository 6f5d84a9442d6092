// What a scan says to people and to programs: a table by severity, and the JSON of contract §12.

import { type Finding, isAtLeast, type ScanResult, SEVERITIES, type Severity } from './finding.ts';

/** The terminal as this room needs it. `table` and `visible` take out what could steer it: names in configurations are others' words. */
export interface Page {
  readonly paint: (style: 'red' | 'yellow' | 'cyan' | 'green' | 'dim' | 'bold', text: string) => string;
  readonly table: (rows: readonly (readonly string[])[]) => string;
  readonly visible: (text: string) => string;
}

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

/** First what was found, one line each, then under the same numbers why and how to mend it; then who was asked. */
export function scanText(result: ScanResult, page: Page): string {
  const { findings, probes } = result;
  const parts = [
    overview(findings, page),
    findings.map((one, i) => details(one, i + 1, page)).join('\n\n'),
    asked(probes, page),
    summary(result),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

const COLOURS = { high: 'red', medium: 'yellow', low: 'cyan' } as const;

function overview(findings: readonly Finding[], { paint, table }: Page): string {
  if (findings.length === 0) return '';
  const lines = table(
    findings.map((one, i) => [one.severity, String(i + 1), one.rule, placeText(one), one.says]),
  ).split('\n');
  return lines
    .map((line, i) => {
      const { severity } = findings[i]!;
      return paint(COLOURS[severity], severity) + line.slice(severity.length);
    })
    .join('\n');
}

function details({ evidence, fix, rule }: Finding, number: number, { paint, visible }: Page): string {
  const lines = fix
    .trimEnd()
    .split('\n')
    .map((line) => `    ${visible(line)}`);
  return [`${paint('bold', `${number} ${rule}`)}: ${visible(evidence)}`, ...lines].join('\n');
}

function asked(probes: ScanResult['probes'], { paint, table }: Page): string {
  const colours = { open: 'red', protected: 'green', unreachable: 'dim' } as const;
  const lines = table(probes.map(({ url, result, detail }) => [result, url, detail])).split('\n');
  return probes.length === 0 ? '' : lines.map((line, i) => paint(colours[probes[i]!.result], line)).join('\n');
}

function placeText({ place }: Finding): string {
  return place === null ? '' : `${place.file}:${place.line}`;
}

function summary({ scanned, findings, probes }: ScanResult): string {
  const counts = SEVERITIES.toReversed().map(
    (severity) => `${findings.filter((one) => one.severity === severity).length} ${severity}`,
  );
  const asked =
    probes.length === 0 ? '' : `, ${probes.length === 1 ? 'one endpoint' : `${probes.length} endpoints`} asked`;
  return `${scanned.length === 1 ? 'one file' : `${scanned.length} files`} read${asked}: ${findings.length === 0 ? 'nothing found' : counts.join(', ')}`;
}

/** 1 when something weighs at least as much as was asked for. */
export function exitCodeOf(result: ScanResult, failOn: Severity | 'none'): 0 | 1 {
  return failOn !== 'none' && result.findings.some(({ severity }) => isAtLeast(severity, failOn)) ? 1 : 0;
}
