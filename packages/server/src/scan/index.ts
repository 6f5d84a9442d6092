// What the command `writ scan` takes from this room.

export { ASK_LIMITS, asker } from './ask.ts';
export { listeningSockets, namedEndpoint } from './endpoints.ts';
export { type ScanResult, SEVERITIES, type Severity } from './finding.ts';
export { gitHistory } from './git-age.ts';
export { plainUrl } from './hosts.ts';
export { mayProbe, type Words } from './probe.ts';
export { exitCodeOf, scanJson, scanText } from './report.ts';
export { scanSarif } from './sarif.ts';
export { configurationsOf, endpointsToAsk, type ScanRequest, scan, type World } from './scan.ts';
export { startStdio } from './start-stdio.ts';
