// The witnesses that writ.yaml names, and what the plane tells of them: to the operator at once, to the log as events.

import { readFileSync } from 'node:fs';
import { type JsonObject, parseWitnessPolicy } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import type { WitnessSettings } from '../audit/witnessed.ts';
import type { WitnessStatus } from '../audit/witnesses.ts';

type RecordEvent = (name: string, members: JsonObject) => void;

export interface WitnessPolicyPorts {
  /** Null: nobody is asked. */
  readonly settings: WitnessSettings | null;
  /** The log is open: from now on, and for what was held back, events are recorded. */
  record(event: RecordEvent): void;
}

/** Throws a sentence for the operator when the file is no policy, or names nobody who can be asked. */
export function openWitnessPolicy(file: string | null, say: (sentence: string) => void): WitnessPolicyPorts {
  if (file === null) return { settings: null, record() {} };
  const read = parseWitnessPolicy(nodeEngine, readFileSync(file));
  if (!read.ok) throw new Error(`\`${file}\` is not a witness policy: ${read.says}`);
  if (!read.value.witnesses.some(({ url }) => url !== null)) {
    throw new Error(`\`${file}\` names no witness with a URL: write it behind the key of each that is to be asked`);
  }
  const heldBack: WitnessStatus[] = [];
  let tell = (status: WitnessStatus): void => void heldBack.push(status);
  const onChange = (status: WitnessStatus): void => {
    say(status.says ?? `the witness \`${status.name}\` is well again`);
    tell(status);
  };
  return {
    settings: { policy: read.value, onChange },
    record(event) {
      tell = ({ name, url, size, trouble, says }) =>
        trouble === null
          ? event('witness.recovered', { witness: name, url, size })
          : event('witness.in_trouble', { witness: name, url, size, trouble, says });
      for (const status of heldBack.splice(0)) tell(status);
    },
  };
}
