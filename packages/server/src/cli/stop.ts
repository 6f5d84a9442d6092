// Ways for a command to end early. Exit codes are the contract's (§2): 0 ok or allow, 1 deny or finding, 2 usage,
// 3 cannot reach. A sentence goes to stderr; what Node says about a failed call is told as what to do about it.

export type ExitCode = 0 | 1 | 2 | 3;

/** Ends the command with one sentence that names the way out. */
export class Stop extends Error {
  override readonly name = 'Stop';
  readonly exitCode: ExitCode;

  constructor(says: string, exitCode: ExitCode) {
    super(says);
    this.exitCode = exitCode;
  }
}

/** The command was used wrongly. */
export function usage(says: string): Stop {
  return new Stop(says, 2);
}

/** Something that has to be there does not answer. */
export function unreachable(says: string): Stop {
  return new Stop(says, 3);
}

/** The plane said no. */
export function refused(says: string): Stop {
  return new Stop(says, 1);
}

interface SystemFault extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly port?: number;
}

/** A sentence for a failure that an operator can do something about; null for everything else, which is a bug. */
export function stopOf(error: unknown): Stop | null {
  if (error instanceof Stop) return error;
  if (!(error instanceof Error)) return null;
  const { code, path, address, port } = error as SystemFault;
  const at =
    address === undefined || port === undefined ? `\`${path ?? address ?? 'the address'}\`` : `\`${address}:${port}\``;
  const place = path === undefined ? 'a file' : `\`${path}\``;
  switch (code) {
    case 'EADDRINUSE':
      return usage(
        `${at} is taken by another process; stop it, or write another port (0 lets the system choose) under \`listen\``,
      );
    case 'EADDRNOTAVAIL':
      return usage(`${at} is not an address of this machine; write one that is under \`listen\``);
    case 'ENOSPC':
    case 'EDQUOT':
      return unreachable(`there is no space left for ${place}; free some, or move \`data\` to another disk`);
    case 'EROFS':
      return usage(`${place} is on a read-only file system; point \`data\` to a folder that can be written`);
    case 'EACCES':
    case 'EPERM':
      return usage(
        `uid ${process.getuid?.()} may not use ${path === undefined ? at : place}; change its owner or mode, or run as the user it belongs to`,
      );
    case 'EMFILE':
    case 'ENFILE':
      return unreachable('too many files are open; raise the limit with `ulimit -n`');
    case 'ENAMETOOLONG':
      return usage(`${place} is too long for this system; choose a shorter \`data\` folder`);
    default:
      // Errors that know their own way out say so; see main.ts of the server.
      return 'exitCode' in error && (error.exitCode === 2 || error.exitCode === 3)
        ? new Stop(error.message, error.exitCode)
        : null;
  }
}

/**
 * For what rejects with a sentence for the operator, as starting a plane does: that sentence ends the command.
 * What the language or Node throws by itself is a bug and goes on as one.
 */
export function asSentence(error: unknown): never {
  if (!(error instanceof Error) || stopOf(error) !== null) throw error;
  const { code } = error as NodeJS.ErrnoException;
  const isBug =
    code?.startsWith('ERR_') ||
    [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind);
  throw isBug ? error : usage(error.message);
}
