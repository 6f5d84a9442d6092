import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationInWords, scopeInWords } from './words.ts';

test('scopes read as what they let somebody do', () => {
  const cases = [
    ['files:read_file', 'use read_file of files'],
    ['db/agent:send', 'send messages to the agent db/agent for you'],
    ['files:*', 'use everything of files that has been reviewed'],
    ['files:resources', 'read what files holds'],
    ['files:prompts/review', 'use the prompt review of files'],
    ['db/agent:skills/sum', 'use the skill sum of the agent db/agent'],
    ['nonsense', 'nonsense'],
  ];
  for (const [scope, words] of cases) assert.equal(scopeInWords(scope!), words);
  assert.match(scopeInWords('api'), /use Writ itself as you/);
});

test('durations read in their largest unit', () => {
  assert.deepEqual([14 * 86_400, 3_600, 7_300, 60, 59].map(durationInWords), [
    '14 days',
    '1 hour',
    '2 hours',
    '1 minute',
    '59 seconds',
  ]);
});
