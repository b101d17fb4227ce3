import { Command } from 'commander';
import { type Part, type PartDeed, partDeeds } from '../../control/contract.js';
import { TunnelError } from '../../core/errors.js';
import {
  addControlOptions,
  addOutputOption,
  type ControlFlags,
  connectControl,
  type OutputFormat,
  printItems,
} from '../control/control-options.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { createTerminal } from '../terminal.js';
import { durationMs, option } from '../values.js';
import { partLine } from './status.js';

interface Flags extends ControlFlags {
  readonly output: OutputFormat;
  readonly grace?: number;
  readonly order?: string;
}

const about: Readonly<Record<PartDeed, string>> = {
  kill: 'end parts without a warning, as SIGKILL does',
  stop: 'end parts in order, as SIGTERM does',
  start: 'start parts at their old addresses',
  restart: 'kill parts and start them',
  drain: 'make agents ask their servers to choose others',
  freeze: 'let no byte pass, and keep connections open',
  thaw: 'let frozen parts go on',
};

/** `konnsim part`: what can be done to parts of a running lab. */
export function partCommand(invocation: Invocation): Command {
  const terminal = createTerminal(invocation.colour);
  const command = new Command('part').description('kill, stop, start, freeze or roll parts of a running lab');
  for (const deed of partDeeds) {
    const one = new Command(deed)
      .description(about[deed])
      .argument('<name...>', 'such as agent/node-1, or agent/1');
    if (deed === 'stop') one.addOption(graceOption());
    command.addCommand(
      addOutputOption(addControlOptions(one)).action(async (names: readonly string[], flags: Flags) => {
        const parts: Part[] = [];
        for (const name of names) parts.push(await act(name, deed, flags));
        printItems(parts, flags.output, { text: partLine, data: terminal.data });
      }),
    );
  }
  return command
    .addCommand(rollCommand())
    .addHelpText(
      'after',
      examples(
        'konnsim part kill agent/node-1',
        'konnsim part start agent/1',
        "konnsim part roll 'server/*'",
      ),
    );
}

function rollCommand(): Command {
  const roll = new Command('roll')
    .description('stop and start parts, as a rolling update does')
    .argument('<pattern>', 'such as server/*')
    .addOption(graceOption())
    .addOption(
      option('--order <order>', 'who first').choices(['inTurn', 'reversed', 'together']).default('inTurn'),
    );
  return addControlOptions(roll).action(async (parts: string, flags: Flags) => {
    const { grace: graceMs, order } = flags;
    const client = await connectControl(flags);
    await client.send('POST', '/v1/parts:roll', {
      parts,
      order,
      ...(graceMs === undefined ? {} : { graceMs }),
    });
  });
}

function graceOption() {
  return option('--grace <duration>', 'how long to wait for what is open').argParser(durationMs);
}

async function act(name: string, deed: PartDeed, flags: Flags): Promise<Part> {
  const [role = '', own = '', more] = name.split('/');
  if (own === '' || more !== undefined) {
    throw new TunnelError('USAGE', `"${name}" is no part`, {
      hint: '`konnsim status` lists the parts; they are called ROLE/NAME.',
    });
  }
  const client = await connectControl(flags);
  const path = `/v1/parts/${encodeURIComponent(role)}/${encodeURIComponent(own)}:${deed}`;
  const body = flags.grace === undefined ? {} : { graceMs: flags.grace };
  return (await client.send<{ part: Part }>('POST', path, body)).part;
}
