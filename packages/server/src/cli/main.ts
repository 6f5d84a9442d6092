// From words on a command line to one command and its exit code. The only file of the command line that touches the
// process: everything below is handed its channels.

import { runWrit } from './run-writ.ts';
import { VERSION } from './version.ts';

// `writ explain … | head` closes the pipe early; that is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { stdout, stderr, stdin, env } = process;
process.exitCode = await runWrit(process.argv.slice(2), { stdout, stderr, stdin, env }, VERSION);
