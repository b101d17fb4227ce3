import { Command } from 'commander';
import { createRealClock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import { createWallClock } from '../../core/wall-clock.js';
import { eventText } from '../../observe/event-text.js';
import { headerLine } from '../../observe/recording.js';
import type { PlacedEvent } from '../admin/event-merge.js';
import { readMergedEvents } from '../admin/event-reader.js';
import { exitCodes } from '../exit-codes.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { readTls } from '../role.js';
import { listenForSignals } from '../signals.js';
import { createEventPrinter } from '../terminal.js';
import { hostPort, option } from '../values.js';

interface EventsFlags {
  readonly certs: string;
  readonly follow?: boolean;
  readonly packets?: boolean;
  readonly output: 'text' | 'ndjson' | 'recording';
}

/** `konnsim events`: the events of several roles, in one order. */
export function eventsCommand(invocation: Invocation): Command {
  return new Command('events')
    .description('print the events of roles in other processes, in the order of their times')
    .argument('[address...]', 'admin ports, HOST:PORT; default KONNSIM_EVENTS, a list with commas')
    .addOption(option('--certs <folder>', 'certificates made by `konnsim certs`').default('certs'))
    .addOption(option('-f, --follow', 'print new events, too, and connect again to roles that went away'))
    .addOption(option('--packets', 'packets, too'))
    .addOption(
      option('--output <format>', 'readable lines, one JSON object per line, or a file for `konnsim explain`')
        .choices(['text', 'ndjson', 'recording'])
        .default('text'),
    )
    .addHelpText(
      'after',
      examples(
        'konnsim events --follow 127.0.0.1:8095 127.0.0.1:8195',
        'konnsim events --output ndjson 127.0.0.1:8095 > events.ndjson',
        'konnsim events --output recording 127.0.0.1:8095 127.0.0.1:8195 > lab.ndjson',
      ),
    )
    .action(async (addresses: readonly string[], flags: EventsFlags) => {
      invocation.exitCode = await run(addresses, flags);
    });
}

async function run(named: readonly string[], flags: EventsFlags): Promise<number> {
  const addresses =
    named.length > 0 ? named : (process.env['KONNSIM_EVENTS'] ?? '').split(',').filter(Boolean);
  if (addresses.length === 0) {
    throw new TunnelError('USAGE', 'konnsim events needs the address of an admin port', {
      hint: 'Start roles with --admin-port, and name their HOST:PORT.',
    });
  }
  for (const address of addresses) hostPort(address);
  const tls = await readTls(flags.certs, 'observer');
  const print = createEventPrinter();
  const line = { text: textLine, ndjson: jsonLine, recording: recordingLines() }[flags.output];
  const interruption = listenForSignals();
  let interrupted: number | undefined;
  void interruption.wanted.then((code) => {
    interrupted = code;
  });
  try {
    const clock = createRealClock();
    await readMergedEvents({
      addresses,
      tls,
      follow: flags.follow ?? false,
      packets: flags.packets ?? false,
      clock,
      wallNowMs: createWallClock(clock),
      signal: interruption.signal,
      event: (event) => print(line(event)),
      say: (line) => void process.stderr.write(`${line}\n`),
    });
  } finally {
    interruption.dispose();
  }
  return interrupted ?? exitCodes.ok;
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
