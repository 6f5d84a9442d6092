// `writ policy test`: calls and the answers they should get (`*.cases.yaml` beside the policy), judged without a running plane.

import { untrackedTasks } from '@writ/core';
import { type CaseResult, readCases, runCase } from '../action/analysis/cases.ts';
import { dataFiles, entriesOf } from './data-files.ts';
import { configOf, viewOf } from './offline-plane.ts';
import { type Terminal, visible } from './terminal.ts';
import { verb } from './verb.ts';

export default verb({
  summary: 'put calls to the policy and compare the answers',
  options: {
    cases: {
      type: 'positional',
      repeat: true,
      required: false,
      description: 'files of cases (default: *.cases.yaml beside the policy)',
    },
    config: { type: 'string', valueHint: 'file', description: 'configuration (default: writ.yaml here)' },
    policy: { type: 'string', valueHint: 'folder', description: 'a draft: another folder of *.cedar files' },
  },
  async run({ args, terminal, channels }) {
    const config = configOf({ ...args, env: channels.env });
    const cases = entriesOf(dataFiles(args.cases, config, '.cases.yaml'), readCases);
    const plane = await viewOf(config);
    const nowSeconds = Math.floor(Date.now() / 1000);
    const results = cases.map((one) => runCase(plane, one, { tasks: untrackedTasks, nowSeconds }));
    const failed = results.filter(({ ok }) => !ok).length;
    terminal.answer({ ok: failed === 0, policy: plane.policy.version, cases: results }, () =>
      [
        ...results.map((one) => lineOf(one, terminal)),
        `${results.length - failed} of ${results.length} as expected`,
      ].join('\n'),
    );
    return failed === 0 ? 0 : 1;
  },
});

function lineOf({ ok, name, says, outcome, determining }: CaseResult, terminal: Terminal): string {
  const decided = determining.length > 0 ? ` by ${determining.join(', ')}` : '';
  const told = ok ? `${outcome}${decided}` : says.join('; ');
  return visible(`${ok ? 'ok  ' : 'FAIL'} ${name}: ${told}`).replace(/^FAIL/, terminal.paint('red', 'FAIL'));
}
