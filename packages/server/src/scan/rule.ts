// What a rule is: a name, a weight, two sentences, and a judgement over the kind of subject it looks at.

import type { Configuration, ConfiguredServer } from './configuration.ts';
import type { Hit, Place, Severity } from './finding.ts';
import type { LineHistory } from './git-age.ts';
import type { PlacedSecret } from './secret-places.ts';
import type { Listed, Seen } from './seen.ts';

/** A secret with what is known about the file it stands in. */
export interface KeptSecret extends PlacedSecret {
  readonly client: string;
  readonly file: string;
  readonly isEnvFile: boolean;
  readonly history: LineHistory;
  readonly ageDays: number | null;
  /** Others than the owner may read the file. */
  readonly isReadableByOthers: boolean;
}

export interface ReadFile {
  readonly client: string;
  readonly file: string;
  /** Permission bits; 0 where the system has none. */
  readonly mode: number;
  /** Null where it could not be read. */
  readonly configuration: Configuration | null;
  readonly fault: { readonly says: string; readonly place: Place } | null;
}

/** Tools of one server, however they were come by. */
export interface ServerTools extends Listed {
  readonly name: string;
  readonly place: Place | null;
  readonly server: ConfiguredServer | null;
  readonly url: string | null;
}

export interface Rule {
  readonly id: string;
  readonly severity: Severity;
  /** A few words, for tables. */
  readonly title: string;
  /** Why it matters. */
  readonly why: string;
  readonly onFile?: (file: ReadFile) => readonly Hit[];
  readonly onServer?: (server: ConfiguredServer) => readonly Hit[];
  /** All of a scan at once, since one secret may lie in several files. */
  readonly onSecrets?: (secrets: readonly KeptSecret[]) => readonly Hit[];
  readonly onSeen?: (seen: Seen) => readonly Hit[];
  readonly onTools?: (tools: ServerTools) => readonly Hit[];
}
