import { Command } from 'commander';
import type { FaultKindView, FaultView, PresetView, Reach } from '../../control/contract.js';
import { TunnelError } from '../../core/errors.js';
import { faults } from '../../links/faults/faults.js';
import { packetFaults } from '../../links/packet-faults/packet-faults.js';
import { partFaults } from '../../links/part-faults/part-faults.js';
import { presets } from '../../links/presets.js';
import type { ControlClient } from '../control/control-client.js';
import {
  addControlOptions,
  addOutputOption,
  type ControlFlags,
  connectControl,
  type OutputFormat,
  printItems,
} from '../control/control-options.js';
import { exitCodeFor, exitCodes } from '../exit-codes.js';
import { documentsIn } from '../faults.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { createTerminal, errorLines } from '../terminal.js';
import { option, someText } from '../values.js';

interface Flags extends ControlFlags {
  readonly output: OutputFormat;
}

interface PlaceFlags extends Flags {
  readonly from?: string;
  readonly to?: string;
  readonly part?: string;
  readonly for?: string;
  readonly id?: string;
  readonly requireMatch?: boolean;
}

/** `konnsim fault`: faults of a running lab. */
export function faultCommand(invocation: Invocation): Command {
  const { data, say } = createTerminal(invocation.colour);
  const actions = [
    withPlace(
      new Command('add').description('set a fault: a preset, a kind such as drop, or a document'),
    ).action(async (text: string, flags: PlaceFlags) => {
      invocation.exitCode = await matching(() => add(text, flags, data));
    }),
    withPlace(new Command('check').description('say what a fault would hit now; set nothing')).action(
      async (text: string, flags: PlaceFlags) => {
        invocation.exitCode = await matching(() => check(text, flags, data));
      },
    ),
    plain('ls', 'list the faults that are on').action(async (flags: Flags) => {
      const found = await (await connectControl(flags)).get<FaultView[]>('/v1/faults');
      if (found.length === 0) say('no fault is on');
      printItems(found, flags.output, { text: faultLine, data });
    }),
    plain('rm', 'remove faults by their names')
      .argument('[id...]', 'names, as `fault ls` shows them')
      .addOption(option('--all', 'all of them'))
      .action((ids: readonly string[], flags: Flags & { readonly all?: boolean }) =>
        remove(ids, flags, data),
      ),
    plain('presets', 'list the faults that are ready to use').action(async (flags: Flags) => {
      const found = await (await connectControl(flags)).get<PresetView[]>('/v1/faults/presets');
      printItems(found, flags.output, { text: ({ name, like }) => `${name.padEnd(18)} ${like}`, data });
    }),
    plain('kinds', 'list what faults can do').action(async (flags: Flags) => {
      const found = await (await connectControl(flags)).get<FaultKindView[]>('/v1/faults/kinds');
      printItems(found, flags.output, { text: kindLine, data });
    }),
  ];
  const command = new Command('fault').description('set, list and remove faults of a running lab');
  for (const action of actions) command.addCommand(action);
  return command.addHelpText('after', faultExamples);
}

const faultExamples = examples(
  'konnsim fault add idle-60s-drop',
  "konnsim fault add drop --from 'agent/*' --to server/1 --for 30s",
  'konnsim fault add kill --part kubelet/node-1',
  "konnsim fault check '{ do: { latency: { delay: 50ms } } }'",
  'konnsim fault rm fault-1',
);

function plain(name: string, description: string): Command {
  return addOutputOption(addControlOptions(new Command(name).description(description)));
}

function withPlace(command: Command): Command {
  const whole = command.argument('<fault>', 'a preset, a kind, or a document as YAML or JSON');
  return addOutputOption(addControlOptions(whole))
    .addOption(option('--from <pattern>', 'on links from these parts').argParser(someText))
    .addOption(option('--to <pattern>', 'on links to these parts').argParser(someText))
    .addOption(option('--part <pattern>', 'on these parts, or on all their links').argParser(someText))
    .addOption(option('--for <duration>', 'how long it stays on once it has begun').argParser(someText))
    .addOption(option('--id <name>', 'its name').argParser(someText))
    .addOption(option('--require-match', 'fail with 5 when it would hit nothing now'));
}

/** A pattern that fits nothing is told as every failure, and has an exit code of its own. */
async function matching(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (caught) {
    const { code } = TunnelError.from(caught);
    process.stderr.write(`${errorLines(caught)}\n`);
    return code === 'NODE_NOT_FOUND' ? exitCodes.faultMatchedNothing : exitCodeFor(code);
  }
}

async function add(text: string, flags: PlaceFlags, data: (line: string) => void): Promise<number> {
  const client = await connectControl(flags);
  const order = orderOf(text, flags);
  if (flags.requireMatch && !(await reach(client, order)).hitsNow) {
    throw new TunnelError('LINK_NOT_FOUND', `${text} would hit nothing now`, {
      hint: '`konnsim fault check` says where it would be. Without --require-match it waits there.',
    });
  }
  const { fault, seq } = await client.send<{ fault: FaultView; seq: number }>('POST', '/v1/faults', order);
  if (flags.output === 'text') data(faultLine(fault));
  else data(JSON.stringify({ seq, fault }));
  return exitCodes.ok;
}

async function check(text: string, flags: PlaceFlags, data: (line: string) => void): Promise<number> {
  const found = await reach(await connectControl(flags), orderOf(text, flags));
  if (flags.output === 'text') for (const line of reachLines(found)) data(line);
  else data(JSON.stringify(found));
  return found.hitsNow ? exitCodes.ok : exitCodes.faultMatchedNothing;
}

const reach = (client: ControlClient, order: unknown): Promise<Reach> =>
  client.send<Reach>('POST', '/v1/faults:check', order);

/** What the argument and the flags say together, as the API takes it. */
function orderOf(text: string, { from, to, part, for: time, id }: PlaceFlags): unknown {
  const documents = documentsIn(text, 'fault').flat();
  if (documents.length !== 1) {
    throw new TunnelError('CONFIG_INVALID', `fault: one is set at a time, and there are ${documents.length}`);
  }
  const [one] = documents;
  const links = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const place = part === undefined ? links : { ...links, part };
  const more = {
    ...(Object.keys(place).length === 0 ? {} : { on: place }),
    ...(time === undefined ? {} : { for: time }),
    ...(id === undefined ? {} : { id }),
  };
  if (typeof one !== 'string') return { ...(one as object), ...more };
  if (Object.hasOwn(presets, one)) return { ...presets[one as keyof typeof presets].fault, ...more };
  const isKind = Object.hasOwn({ ...faults, ...packetFaults, ...partFaults }, one);
  return isKind ? { do: one, ...more } : { preset: one };
}

async function remove(
  ids: readonly string[],
  flags: Flags & { readonly all?: boolean },
  data: (line: string) => void,
): Promise<void> {
  if (flags.all !== true && ids.length === 0) {
    throw new TunnelError('USAGE', 'konnsim fault rm needs the name of a fault, or --all');
  }
  const client = await connectControl(flags);
  const paths = flags.all ? [''] : ids.map((id) => `/${encodeURIComponent(id)}`);
  for (const path of paths) {
    const gone = await client.send<Gone>('DELETE', `/v1/faults${path}`);
    data(flags.output === 'text' ? goneLine(gone) : JSON.stringify(gone));
  }
}

interface Gone {
  readonly removed: readonly string[];
  readonly healed: number;
  readonly broken: number;
}

function goneLine({ removed, healed, broken }: Gone): string {
  const names = removed.length === 0 ? 'nothing' : removed.join(', ');
  return `removed ${names}; of what was hit ${healed} go on, ${broken} stay broken`;
}

function faultLine({ id, action, hits, document }: FaultView): string {
  const { id: _id, ...rest } = document;
  return `${id.padEnd(12)} ${action.padEnd(10)} hits ${String(hits).padEnd(5)} ${JSON.stringify(rest)}`;
}

function kindLine({ name, level, does, roles }: FaultKindView): string {
  const where = level === 'part' ? roles.join(', ') : `${level}s`;
  return `${name.padEnd(16)} ${does} (${where})`;
}

function reachLines({ action, links, flows, parts, hitsNow }: Reach): readonly string[] {
  const head = hitsNow ? `${action} would hit now:` : `${action} would hit nothing now; it would wait here:`;
  const shown = [
    ...parts,
    ...flows.map(({ flow, link }) => `flow ${flow} of ${link}`),
    ...(hitsNow ? [] : links),
  ];
  return [head, ...shown.map((line) => `  ${line}`)];
}
