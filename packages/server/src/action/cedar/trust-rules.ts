// The shipped trust rules (rules §3.10–3.12) as Cedar policies over `context.trust`: levels, counts, yes and no, and words of a closed
// list, nothing that anybody wrote. Core's `judgeTrust` is the plain form of the same rules, and a test holds the two together.

import type { DenialCode, TrustPlaces } from '@writ/core';
import type { PolicyText } from './text.ts';

export interface TrustRule extends PolicyText {
  /** As records and approvals name it; two policies make one rule that asks while clean and refuses once tainted. */
  readonly rule: string;
  readonly code: DenialCode;
  readonly asks: boolean;
  /** Which argument it is about. */
  readonly place: keyof TrustPlaces | null;
}

/** Ids that no author may speak under, since an approval is kept by the names of the rules that asked. */
export const TRUST_ID = /^writ\.(trust\.|unbound$)/;

const hasPrompt = '!["none", "missing"].contains(context.trust.prompt)';

/** In the order in which they are told: the most telling first. */
export const TRUST_RULES: readonly TrustRule[] = [
  refuses('prompt_missing', 'action.out_of_task', null, [
    'context.trust.prompt == "missing"',
    'context.trust.risk >= 2',
  ]),
  ...refusesOnceTainted('secret', 'action.secret_in_arguments', 'secret', ['context.trust.secret == "leaves"']),
  asks('secret_unknown', 'action.secret_in_arguments', null, ['context.trust.secret == "unknown"']),
  ...refusesOnceTainted('out_of_task', 'action.out_of_task', null, [hasPrompt, '!context.trust.inTask']),
  asks('target', 'action.target_untrusted', 'target', [
    'context.trust has target',
    `(
    (context.trust.risk >= 1 && context.trust.target < 2) ||
    (context.trust.risk >= 4 && context.trust.target < 3) ||
    (context.trust.risk == 5 && context.trust.tainted && context.trust.target < 4)
  )`,
  ]),
  // Whoever named every target also decided what goes there; without a target nobody has.
  asks('value', 'action.value_untrusted', 'value', [
    'context.trust.risk >= 1',
    'context.trust has value',
    'context.trust.value < 2',
    '!(context.trust has target && context.trust.target == 4)',
  ]),
  asks('date', 'action.date_untrusted', 'date', [
    'context.trust.tainted',
    'context.trust.baseRisk == 2',
    '!context.trust.datesGiven',
  ]),
  asks('payload', 'action.payload_active', 'activeToken', [
    'context.trust.risk >= 3',
    'context.trust has activeToken',
    'context.trust.activeToken < 2',
  ]),
  asks('no_prompt', 'action.approval_required', null, ['context.trust.prompt == "none"', 'context.trust.risk >= 2']),
];

function refuses(
  name: string,
  code: DenialCode,
  place: TrustRule['place'],
  when: readonly string[],
  suffix = '',
): TrustRule {
  return rule({ name, code, place, when, suffix, asks: false });
}

function asks(
  name: string,
  code: DenialCode,
  place: TrustRule['place'],
  when: readonly string[],
  suffix = '',
): TrustRule {
  return rule({ name, code, place, when, suffix, asks: true });
}

/** What a person may still decide in a clean task is too late in a tainted one. */
function refusesOnceTainted(
  name: string,
  code: DenialCode,
  place: TrustRule['place'],
  when: readonly string[],
): readonly TrustRule[] {
  return [
    refuses(name, code, place, ['context.trust.tainted', ...when]),
    asks(name, code, place, ['!context.trust.tainted', ...when], '.clean'),
  ];
}

interface Parts extends Pick<TrustRule, 'code' | 'place' | 'asks'> {
  readonly name: string;
  readonly when: readonly string[];
  readonly suffix: string;
}

function rule({ name, when, suffix, ...told }: Parts): TrustRule {
  const id = `writ.trust.${name}${suffix}`;
  const outcome = told.asks ? ' @outcome("approval")' : '';
  const text = `@id("${id}")${outcome}\nforbid (principal, action, resource)\nwhen {\n  ${when.join(' &&\n  ')}\n};\n`;
  return { id, text, rule: `writ.trust.${name}`, ...told };
}
