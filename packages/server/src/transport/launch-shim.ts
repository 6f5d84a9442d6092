// A process that waits to become another (rules §1.1). Its pid is registered first; then descriptor 3 says what to
// execute, and the pid stays. When the other end closes without a word, nothing was launched.

import { Socket } from 'node:net';
import { loadNative } from './peercred-native.ts';

/** What the launcher writes to descriptor 3, as JSON, before it ends that stream. */
export interface ShimOrder {
  /** Absolute path of the program. */
  readonly file: string;
  /** argv, the program's name first. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

// Node ignores these two, and what is ignored stays ignored across an exec: `yes | head` would never end.
const ignoredByNode = [13, 25]; // SIGPIPE, SIGXFSZ

let text = '';
const pipe = new Socket({ fd: 3, readable: true, writable: false });
pipe.setEncoding('utf8');
pipe.on('data', (part: string) => {
  text += part;
});
pipe.on('error', () => process.exit(125));
// `close`, not `end`: by then descriptor 3 is closed here and does not leak into the command.
pipe.on('close', () => {
  if (text === '') process.exit(125);
  const { file, command, env } = JSON.parse(text) as ShimOrder;
  const native = loadNative();
  for (const signal of ignoredByNode) native.defaultSignal(signal);
  process.execve!(file, [...command], env);
});
