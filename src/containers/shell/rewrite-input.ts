import type { CommandNode, SimpleCommandNode, StatementNode } from './bash-library.js';
import { heldPath, shellCommands } from './devices.js';

type Redirection = SimpleCommandNode['redirections'][number];

const compound = new Set(['If', 'Case', 'While', 'Until', 'For', 'CStyleFor', 'Group', 'Subshell']);

/** Whether a redirection gives a command its standard input. */
export function isInput({ fd, operator, fdVariable }: Redirection): boolean {
  return (
    fdVariable === undefined && (fd === null || fd === 0) && ['<', '<<', '<<-', '<<<'].includes(operator)
  );
}

export function isCompound({ type }: CommandNode): boolean {
  return compound.has(type);
}

/** Removes the input redirections from a command and returns them. */
export function takeInputs(command: CommandNode): Redirection[] {
  if (!('redirections' in command)) return [];
  const inputs = command.redirections.filter(isInput);
  command.redirections = command.redirections.filter((redirection) => !isInput(redirection));
  return inputs;
}

/** `{ hold NUMBER; command <held-NUMBER; } inputs`: the commands share one input. The library would copy it. */
export function holdInput(
  command: CommandNode,
  {
    inputs,
    number,
    parse,
  }: { inputs: Redirection[]; number: number; parse: (text: string) => StatementNode[] },
): CommandNode {
  const [made] = parse(`{ ${shellCommands.hold} ${number}; { :; } <${heldPath(number)}; }`);
  const outer = made?.pipelines[0]?.commands[0];
  const inner = outer?.type === 'Group' ? outer.body[1]?.pipelines[0]?.commands[0] : undefined;
  const place = inner?.type === 'Group' ? inner.body[0]?.pipelines[0] : undefined;
  if (outer?.type !== 'Group' || place === undefined) return command;
  place.commands = [command];
  outer.redirections = inputs;
  return outer;
}
