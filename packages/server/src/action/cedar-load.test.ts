// Sets that do not load, sets that are loaded again, and what a version stands for.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadPolicy } from './cedar.ts';
import { builtinManifest } from './manifest.ts';
import { agent, answer, directory, FILES, input, line, load, onServer, reviewedServer, SERVERS } from './testing.ts';

const READ = onServer('files', 'read_file');
const readLine = line('claude/orchestrator', 'files/read_file');
const asked = { asker: agent('claude/orchestrator'), target: READ, args: { path: '/srv/docs/a' } } as const;

describe('a set that does not fit is refused whole, at its place', () => {
  const problemsOf = (cedar: string) => {
    const result = loadPolicy(input([readLine], cedar));
    return 'problems' in result ? result.problems : [];
  };

  test('an optional argument read without has', () => {
    const [problem, ...more] = problemsOf(
      '// für Häfen\npermit (principal, action, resource in Writ::Server::"files")\nwhen { resource.manifest };\n' +
        '@id("head")\nforbid (principal, action == Writ::Action::"files/read_file", resource)\n' +
        'when { "é" == "é" && context.input.head > 3 };',
    );
    assert.deepEqual(more, []);
    assert.equal(problem!.file, 'policy/guards.cedar');
    assert.deepEqual([problem!.line, problem!.column, problem!.path], [6, 22, 'head']);
    assert.match(problem!.says, /^unable to guarantee safety of access to optional attribute `input.head`/);
    assert.match(problem!.expected, /context\.input has head/);
  });

  test('a tool, an argument or a type that does not exist', () => {
    assert.match(
      problemsOf('permit (principal, action == Writ::Action::"files/remove", resource);')[0]!.says,
      /unrecognized action/,
    );
    assert.match(
      problemsOf('permit (principal is Writ::Robot, action, resource);')[0]!.says,
      /unrecognized entity type/,
    );
    const typo = problemsOf(
      'permit (principal, action == Writ::Action::"files/read_file", resource) when { context.input.pth == "" };',
    );
    assert.match(typo[0]!.expected, /did you mean `path`/);
  });

  test('text that is no Cedar', () => {
    const [problem] = problemsOf('permit (principal, action, resource);\npermit (principal action, resource);');
    assert.deepEqual([problem!.line, problem!.column], [2, 19]);
    assert.match(problem!.says, /unexpected token `action`/);
    assert.match(problem!.expected, /`,`/);
  });

  test('two policies of one id, an id of ours, and a template', () => {
    assert.match(
      problemsOf('@id("a") permit (principal, action, resource);\n@id("a") forbid (principal, action, resource);')[0]!
        .says,
      /used already, at policy\/guards\.cedar:1/,
    );
    assert.match(
      problemsOf('@id("allow.1.agent") permit (principal, action, resource);')[0]!.says,
      /taken by lines of writ\.yaml/,
    );
    assert.match(
      problemsOf('@id("a\\nb") permit (principal, action, resource);')[0]!.says,
      /not one that a log can hold/,
    );
    assert.match(problemsOf('permit (principal == ?principal, action, resource);')[0]!.says, /template/);
  });

  test('a policy that can never apply is a notice, not a refusal', () => {
    const found = load([], '@id("never") forbid (principal, action, resource) when { false };').notices;
    assert.equal(found.length, 1);
    assert.match(found[0]!.says, /impossible/);
  });
});

describe('loading again', () => {
  test('an older policy keeps its own answers however many are loaded after it', () => {
    const first = load([readLine]);
    for (let i = 0; i < 12; i++) {
      const later = load([], `@id("never.${i}") forbid (principal, action, resource);`);
      assert.deepEqual(answer(later, asked).determining, [`never.${i}`]);
    }
    assert.deepEqual(answer(first, asked).determining, ['allow.1.agent']);
  });

  test('the version is that of everything that decides, and of nothing else', () => {
    const version = (...[allow, cedar, further]: Parameters<typeof load>) => load(allow, cedar, further).policy.version;
    const one = version([readLine]);
    assert.match(one, /^sha256:[0-9a-f]{64}$/);
    assert.equal(version([readLine]), one);
    const others = [
      version([]),
      version([{ ...readLine, users: ['ada'] }]),
      version([readLine], 'forbid (principal, action, resource) when { false };'),
      version([readLine], '', {
        servers: [reviewedServer('files', FILES, builtinManifest('filesystem')), SERVERS[1]!],
      }),
      version([{ ...readLine, risk: 1 }]),
      version([readLine], '', { directory: { ...directory, users: new Set(['howard']) } }),
    ];
    assert.equal(new Set([one, ...others]).size, others.length + 1);
  });

  test('a plane without tools loads, and permits none', () => {
    const loadedEmpty = load([], 'permit (principal, action, resource);', {
      servers: [],
      directory: { ...directory, agents: new Map(), clients: new Map() },
    });
    assert.equal(answer(loadedEmpty, asked).outcome, 'error');
  });
});
