// `npm start`: the plane with the demo. `-- --once` tells the story and ends; `-- --data DIR` keeps its data there.

import { parseArgs } from 'node:util';
import { openDemo } from '../examples/demo/setup.ts';
import { tellStory } from '../examples/demo/story.ts';

const { values } = parseArgs({
  options: { once: { type: 'boolean' }, data: { type: 'string' }, verbose: { type: 'boolean' } },
});
const print = (line: string) => process.stdout.write(`${line}\n`);
const say = (sentence: string) => {
  if (values.verbose) process.stderr.write(`writ: ${sentence}\n`);
};

const world = await openDemo(values.data ?? null, say);
const { ready } = world.plane;
print(`Writ is ready in ${ready.readyMillis} ms. Five processes, one user; every answer below stands in the log.\n`);
try {
  if (world.plane.demoSession !== null) await tellStory(world, print);
  else print(`This folder was there before, so nobody is signed in: ${ready.adminLink ?? `${ready.console}`}`);
  print(
    `\nThe log as JSON: ${(ready.admin as { url: string }).url}/decisions   as tiles: ${(ready.log as { url: string }).url}/checkpoint`,
  );
  if (!values.once) {
    print(`Console: ${ready.console}`);
    print(`Verify the log: npx writ audit verify ${(ready.log as { dir: string }).dir}`);
    print('Ctrl-C stops.');
    await new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  }
} finally {
  await world.close();
}
