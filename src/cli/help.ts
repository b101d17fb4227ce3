import type { Command } from 'commander';

/** The headings under which `konnsim --help` lists commands. */
export const helpGroups = {
  tour: 'See it:',
  lab: 'A whole lab in one process, and commands for it:',
  control: 'Watch a running lab and change it:',
  roles: 'One role at a time:',
  real: 'For a real cluster:',
} as const;

/** The end of a command's help: lines to copy. */
export function examples(...lines: readonly string[]): string {
  return ['', 'Examples:', ...lines.map((line) => `  ${line}`)].join('\n');
}

/** Prints wrong usage like every other failure: one `error:` line and one `hint:` line. */
export function explainUsageErrors(command: Command, path: string): void {
  command.exitOverride().configureOutput({
    outputError: (text, write) => write(usageLines(text, path)),
  });
}

function usageLines(text: string, path: string): string {
  const [first = '', ...rest] = text.trim().split('\n');
  const guess = /Did you mean (.+)\?/.exec(rest.join(' '))?.[1];
  const hint = `${guess === undefined ? '' : `Did you mean ${guess}? `}Run \`${path} --help\`.`;
  return `${first} [USAGE]\nhint: ${hint}\n`;
}
