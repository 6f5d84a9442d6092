// OPA's REST API: `POST /v1/data/<path of a rule>` with `{"input": …}`; the rule's value comes back as `result`, and an undefined
// rule as no `result` at all. https://www.openpolicyagent.org/docs/rest-api

import { isJsonObject } from '@writ/core';
import { type Dialect, type EngineOptions, openEngine } from './engine.ts';
import type { RemoteEngine } from './verdict.ts';

const opaDialect: Dialect = {
  body: (question) => ({ input: question }),
  read(answer) {
    const result = isJsonObject(answer) ? answer.result : undefined;
    if (typeof result === 'boolean') return result;
    const cause =
      result === undefined ? 'the rule is undefined; give it `default … := false`' : 'the rule is not a boolean';
    return { fault: 'no_boolean', cause };
  },
};

/** `url` names the rule: `http://127.0.0.1:8181/v1/data/writ/allow`. */
export function openOpa(options: EngineOptions): RemoteEngine {
  return openEngine(options, opaDialect);
}
