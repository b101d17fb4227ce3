import { turn } from '../commands/files.js';
import type { ByteSink } from '../io/byte-sink.js';
import type { Input } from '../io/byte-source.js';
import type { Device } from './process-files.js';

/** Paths of a shell process that lead to its streams. */
export const shellDevices = {
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  /** Reads one line of standard input. */
  line: '/dev/.konnsim/line',
  /** Reading it gives the event loop a turn. */
  turn: '/dev/.konnsim/turn',
  /** Reading it announces that the shell is about to exit. */
  exit: '/dev/.konnsim/exit',
  /** Each path below it belongs to one command. */
  lent: '/dev/.konnsim/lent',
} as const;

/** Reading it gives the mark of an input that the commands of a group share. */
export const heldPath = (number: number): string => `/dev/.konnsim/held/${number}`;

/** The shell's own commands, by path, so that they are found whatever $PATH contains. */
export const shellCommands = {
  next: '/usr/bin/__konnsim_next',
  ownsStdin: '/usr/bin/__konnsim_stdin',
  /** Runs the commands of a pipeline at the same time. */
  pipe: '/usr/bin/__konnsim_pipe',
  /** Takes its input for the commands of a group. */
  hold: '/usr/bin/__konnsim_hold',
  printf: '/usr/bin/__konnsim_printf',
} as const;

export interface ShellDeviceOptions {
  readonly stdin: Input | undefined;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  /** The shell is about to exit. */
  readonly onExit: () => void;
  /** The shell's output has no reader any more. */
  readonly onBroken: () => void;
}

const nothing = new Uint8Array(0);

/** The devices at the paths of `shellDevices`; the shell may add more. */
export function createShellDevices({
  stdin,
  stdout,
  stderr,
  onExit,
  onBroken,
}: ShellDeviceOptions): Map<string, Device> {
  const write = (sink: ByteSink, bytes: Uint8Array): Promise<void> => sink.write(bytes).catch(onBroken);
  const devices = new Map<string, Device>([
    [shellDevices.stdout, { write: (bytes) => write(stdout, bytes) }],
    [shellDevices.stderr, { write: (bytes) => write(stderr, withoutOwnTraces(bytes)) }],
    [shellDevices.turn, { read: () => turn().then(() => nothing) }],
    [
      shellDevices.exit,
      {
        async read() {
          onExit();
          return nothing;
        },
      },
    ],
    ...Object.values(shellCommands).map((path): [string, Device] => [path, {}]),
  ]);
  if (stdin !== undefined) devices.set(shellDevices.stdin, { read: () => stdin.rest() });
  return devices;
}

/** Removes the shell's own commands from the output of `set -x`. */
export function withoutOwnTraces(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  if (!text.includes('__konnsim')) return bytes;
  return Buffer.from(text.replace(/^\++ \S*__konnsim.*\n/gm, ''), 'latin1');
}
