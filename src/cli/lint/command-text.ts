import type { FoundProgram } from './manifest.js';
import { badInput, findProgram, type Role, shellLines, type Word } from './words.js';

interface Command {
  readonly role: Role;
  readonly before: readonly Word[];
  readonly words: Word[];
}

/**
 * Finds the command lines of a text, such as a script, a unit of systemd or the output of `ps`: each line with the name of a
 * program is one. Lines that begin with a flag belong to the one above. In a text without such a name all words are one command line of
 * `role`. Throws CONFIG_INVALID, with file and line, for a text without a flag.
 */
export function programsOfText(file: string, text: string, role: Role): FoundProgram[] {
  const manifest = /^(?:apiVersion|kind):/m.test(text);
  if (manifest) throw badInput(file, 1, 'this is a manifest', `Give it without --${role}-flags.`);
  const lines = shellLines(file, text);
  const commands = commandsIn(lines);
  const found = commands.length > 0 ? commands : [{ role, before: [], words: lines.flat() }];
  return found.map((command) => {
    const words = untilOperator(command.words);
    const first = command.before.at(-1) ?? words[0];
    if (first === undefined || !words.some((word) => word.text.startsWith('-'))) {
      throw badInput(file, first?.line ?? 1, `there are no flags of a proxy-${command.role}`);
    }
    return {
      role: command.role,
      file,
      line: first.line,
      words,
      environment: assignments(command.before),
      pod: undefined,
      tag: undefined,
    };
  });
}

function commandsIn(lines: readonly (readonly Word[])[]): Command[] {
  const commands: Command[] = [];
  for (const line of lines) {
    const found = findProgram(line);
    if (found !== undefined) commands.push({ ...found, words: [...found.after] });
    else if (line[0]?.text.startsWith('-') === true) commands.at(-1)?.words.push(...line);
  }
  return commands;
}

const operator = /^(?:&&?|\|\|?|;|\d?>.*|<.*)$/s;

function untilOperator(words: readonly Word[]): readonly Word[] {
  const end = words.findIndex(({ text }) => operator.test(text));
  return end === -1 ? words : words.slice(0, end);
}

function assignments(words: readonly Word[]): ReadonlyMap<string, string> {
  const pairs = words.flatMap(({ text }) => {
    const [, name, value] = /^([A-Z_]\w*)=(.*)$/s.exec(text) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  return new Map(pairs);
}
