import type { Command } from 'commander';
import { catalogueOf } from '../catalogue.ts';
import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { type Grammar, grammarOf } from '../completion/grammar.ts';
import { zshScript } from '../completion/zsh.ts';
import type { Local } from '../context.ts';

export const COMPLETION_HELP = `
The script completes commands, options and those of their values that are fixed. It does not ask the
cluster for names.

Examples:
  # In ~/.bashrc
  source <(metricops completion bash)

  # In ~/.zshrc, after compinit
  source <(metricops completion zsh)

  metricops completion fish > ~/.config/fish/completions/metricops.fish`;

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], (grammar: Grammar) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export const completion = async ({ io }: Local, program: Command, shell: (typeof SHELLS)[number]): Promise<void> =>
  io.out(SCRIPTS[shell](grammarOf(catalogueOf(program))).trimEnd());
