import { once } from 'node:events';
import { Command } from 'commander';
import { createRealClock } from '../../core/clock.js';
import { createWallClock } from '../../core/wall-clock.js';
import { parseFilter } from '../../observe/event-filter.js';
import { eventText } from '../../observe/event-text.js';
import { headerLine } from '../../observe/recording.js';
import type { PlacedEvent } from '../admin/event-merge.js';
import { readMergedEvents } from '../admin/event-reader.js';
import { addControlOptions, type ControlFlags, connectControl } from '../control/control-options.js';
import { printLiveEvents } from '../control/live-events.js';
import { exitCodes } from '../exit-codes.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { readTls } from '../role.js';
import { listenForSignals } from '../signals.js';
import { createEventPrinter } from '../terminal.js';
import { hostPort, option } from '../values.js';

interface EventsFlags extends ControlFlags {
  readonly filter?: string;
  readonly certs: string;
  readonly follow?: boolean;
  readonly packets?: boolean;
  readonly output: 'text' | 'ndjson' | 'recording';
}

/** `konnsim events`: the events of several roles, in one order. */
export function eventsCommand(invocation: Invocation): Command {
  const command = new Command('events')
    .description(
      'print the events of a running lab, or of roles in other processes in the order of their times',
    )
    .argument(
      '[address...]',
      'admin ports, HOST:PORT; default KONNSIM_EVENTS, a list with commas, else the running lab',
    )
    .addOption(option('--certs <folder>', 'certificates made by `konnsim certs`').default('certs'))
    .addOption(option('-f, --follow', 'print new events, too, and connect again to roles that went away'))
    .addOption(option('--packets', 'packets, too'))
    .addOption(option('--filter <text>', 'such as `kind:packet node:server/* request:exec-1`'))
    .addOption(
      option('--output <format>', 'readable lines, one JSON object per line, or a file for `konnsim explain`')
        .choices(['text', 'ndjson', 'recording'])
        .default('text'),
    )
    .addHelpText(
      'after',
      examples(
        'konnsim events --follow',
        "konnsim events --filter 'request:exec-1 kind:packet'",
        'konnsim events --follow 127.0.0.1:8095 127.0.0.1:8195',
        'konnsim events --output ndjson 127.0.0.1:8095 > events.ndjson',
        'konnsim events --output recording 127.0.0.1:8095 127.0.0.1:8195 > lab.ndjson',
      ),
    );
  return addControlOptions(command).action(async (addresses: readonly string[], flags: EventsFlags) => {
    invocation.exitCode = await run(addresses, flags);
  });
}

async function run(named: readonly string[], flags: EventsFlags): Promise<number> {
  const addresses =
    named.length > 0 ? named : (process.env['KONNSIM_EVENTS'] ?? '').split(',').filter(Boolean);
  const interruption = listenForSignals();
  let interrupted: number | undefined;
  void interruption.wanted.then((code) => {
    interrupted = code;
  });
  try {
    if (addresses.length === 0) await ofLab(flags, interruption.signal);
    else await ofRoles(addresses, flags, interruption.signal);
  } finally {
    interruption.dispose();
  }
  return interrupted ?? exitCodes.ok;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Without a filter packets are left out, as they are most of all events. */
async function ofLab(flags: EventsFlags, signal: AbortSignal): Promise<void> {
  const { follow = false, packets = false, output } = flags;
  const filter = flags.filter ?? (packets || output === 'recording' ? '' : '-kind:packet');
  const client = await connectControl(flags);
  const print = async (line: string): Promise<void> => {
    if (process.stdout.write(`${line}\n`)) return;
    await once(process.stdout, 'drain', { signal }).catch(() => undefined);
  };
  await printLiveEvents(client, { follow, filter, output, print, say, signal });
}

async function ofRoles(addresses: readonly string[], flags: EventsFlags, signal: AbortSignal): Promise<void> {
  for (const address of addresses) hostPort(address);
  const tls = await readTls(flags.certs, 'observer');
  const print = createEventPrinter();
  const test = parseFilter(flags.filter ?? '');
  const line = { text: textLine, ndjson: jsonLine, recording: recordingLines() }[flags.output];
  const clock = createRealClock();
  await readMergedEvents({
    addresses,
    tls,
    follow: flags.follow ?? false,
    packets: flags.packets ?? false,
    clock,
    wallNowMs: createWallClock(clock),
    signal,
    event: (event) => test(event.event) && print(line(event)),
    say,
  });
}

/** `12:16:20.123  agent/node-1 …`, in UTC. `~` before the time marks an event that came too late for its place. */
function textLine({ wallMs, event, late }: PlacedEvent): string {
  return `${late ? '~' : ' '}${new Date(wallMs).toISOString().slice(11, 23)}  ${eventText(event)}`;
}

function jsonLine({ source, wallMs, event, late }: PlacedEvent): string {
  const { t: _ownTime, ...body } = event;
  return JSON.stringify({ wallMs, source, ...(late && { late }), ...body });
}

/** One journal of all processes: numbered in the order of their times, which begin with the first event. */
function recordingLines(): (event: PlacedEvent) => string {
  let seq = 0;
  let firstMs = 0;
  return ({ wallMs, event }) => {
    if (seq === 0) firstMs = wallMs;
    seq += 1;
    const placed = JSON.stringify({ ...event, seq, t: wallMs - firstMs });
    return seq === 1 ? `${headerLine(wallMs)}\n${placed}` : placed;
  };
}
