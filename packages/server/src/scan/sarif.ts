// Findings as SARIF 2.1.0 (OASIS), for code scanning and editors: one run, its rules, results with places, fingerprints and the piece of
// writ.yaml that mends each.

import { relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Finding, Place, ScanResult, Severity } from './finding.ts';
import { RULES } from './rules/index.ts';

const LEVELS: { readonly [severity in Severity]: 'error' | 'warning' | 'note' } = {
  high: 'error',
  medium: 'warning',
  low: 'note',
};
/** What code scanning sorts by; CVSS-like. */
const SECURITY: { readonly [severity in Severity]: string } = { high: '8.0', medium: '5.5', low: '3.0' };

export function scanSarif(result: ScanResult, version: string, baseFolder: string) {
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'writ scan', version, semanticVersion: version, rules: RULES.map(descriptor) } },
        // SARIF §3.14.14: what the relative addresses below start at.
        originalUriBaseIds: { BASE: { uri: `${pathToFileURL(baseFolder).href.replace(/\/$/, '')}/` } },
        columnKind: 'utf16CodeUnits',
        artifacts: result.scanned.map(({ file }) => ({ location: artifact(file, baseFolder) })),
        results: result.findings.map((one) => resultOf(one, baseFolder)),
        invocations: [{ executionSuccessful: true }],
      },
    ],
  };
}

function descriptor({ id, title, why, severity }: (typeof RULES)[number]) {
  return {
    id,
    shortDescription: { text: `${title}.` },
    fullDescription: { text: why },
    help: { text: why },
    defaultConfiguration: { level: LEVELS[severity] },
    properties: { 'security-severity': SECURITY[severity], tags: ['security', 'agents'] },
  };
}

function resultOf({ id, rule, severity, place, says, evidence, fix }: Finding, baseFolder: string) {
  return {
    ruleId: rule,
    ruleIndex: RULES.findIndex((one) => one.id === rule),
    level: LEVELS[severity],
    message: { text: `${says}: ${evidence}` },
    // A finding that no file says is at the scan as a whole.
    locations:
      place === null
        ? []
        : [{ physicalLocation: { artifactLocation: artifact(place.file, baseFolder), region: region(place) } }],
    partialFingerprints: { 'writFinding/v1': id },
    fixes: [
      {
        description: { text: fix },
        artifactChanges: [
          {
            artifactLocation: { uri: 'writ.yaml', uriBaseId: 'BASE' },
            // An insertion at the top: SARIF §3.57.3, a region of length nought.
            replacements: [{ deletedRegion: { charOffset: 0, charLength: 0 }, insertedContent: { text: fix } }],
          },
        ],
      },
    ],
    properties: { evidence },
  };
}

function region({ line, column, endColumn }: Place) {
  return {
    startLine: line,
    startColumn: column,
    ...(endColumn === null || endColumn <= column ? {} : { endLine: line, endColumn }),
  };
}

/** Relative below the base, so that a repository's host can find the file; absolute elsewhere. */
function artifact(file: string, baseFolder: string) {
  const path = relative(baseFolder, file);
  if (path === '' || path.startsWith('..') || path.includes(':')) return { uri: pathToFileURL(file).href };
  return { uri: path.split(sep).map(encodeURIComponent).join('/'), uriBaseId: 'BASE' };
}
