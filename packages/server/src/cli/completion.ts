// `writ completion bash|zsh|fish`: a script that completes commands and options, made from the commands themselves.

import { usage } from './stop.ts';
import { isGroup, type Verb, type VerbGroup, verb } from './verb.ts';
import { VERBS } from './verbs.ts';

export default verb({
  summary: 'print a completion script for your shell',
  options: {
    shell: { type: 'positional', description: 'bash, zsh or fish' },
  },
  async run({ args, terminal }) {
    const write = Object.hasOwn(shells, args.shell) ? shells[args.shell] : undefined;
    if (!write) throw usage(`\`${args.shell}\` is not known; there are \`bash\`, \`zsh\` and \`fish\``);
    const script = write(await allWords());
    terminal.answer({ script }, () => script);
    return 0;
  },
});

/** Command line so far → what may come next. */
interface Completion {
  readonly after: string;
  readonly words: readonly string[];
}

async function allWords(): Promise<readonly Completion[]> {
  const loaded = await Promise.all(
    Object.entries(VERBS).map(async ([name, load]) => [name, (await load()).default] as const),
  );
  return [{ after: '', words: Object.keys(VERBS) }, ...loaded.flatMap(([name, one]) => wordsOf(name, one))];
}

function wordsOf(name: string, one: Verb | VerbGroup): readonly Completion[] {
  if (isGroup(one)) {
    const inner = Object.entries(one.verbs).flatMap(([sub, verb]) => wordsOf(`${name} ${sub}`, verb));
    return [{ after: name, words: Object.keys(one.verbs) }, ...inner];
  }
  const options = Object.entries(one.options).filter(([, def]) => def.type !== 'positional');
  return [{ after: name, words: [...options.map(([option]) => `--${option}`), '--help'] }];
}

const shells: { readonly [shell: string]: (all: readonly Completion[]) => string } = {
  bash: (all) => `_writ() {
  local words
  case "\${COMP_WORDS[*]:1:COMP_CWORD-1}" in
${all
  .map(({ after, words }) => `    ${after === '' ? "''" : `'${after}'|'${after} '*`}) words='${words.join(' ')}' ;;`)
  .toReversed()
  .join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _writ writ
`,
  zsh: (all) => `#compdef writ
autoload -U +X bashcompinit && bashcompinit
${shells.bash!(all)}`,
  fish: (all) => `${all
    .flatMap(({ after, words }) =>
      words.map((word) => {
        const when =
          after === ''
            ? '__fish_use_subcommand'
            : after
                .split(' ')
                .map((one) => `__fish_seen_subcommand_from ${one}`)
                .join('; and ');
        return `complete -c writ -n '${when}' ${word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`}`;
      }),
    )
    .join('\n')}
`,
};
