import type { TerminalSize } from '../../streams/types.js';
import type { ByteSink } from '../io/byte-sink.js';
import type { Input } from '../io/byte-source.js';
import type { IFileSystem } from '../shell/bash-library.js';

/** What a command may know about its container. */
export interface Machine {
  readonly hostname: string;
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
  /** Resolves after `delayMs` of lab time, or when `signal` aborts. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
  randomByte(): number;
}

/** The terminal settings that programs can read or change. */
export interface TerminalControl {
  readonly size: TerminalSize;
  /** Whether typed characters are shown. */
  echo: boolean;
}

/** One running command: its arguments without its name, its streams and its environment. */
export interface Process {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly files: IFileSystem;
  readonly stdin: Input;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  readonly signal: AbortSignal;
  readonly machine: Machine;
  readonly terminal?: TerminalControl;
}

/** A command that streams: bytes in and out in chunks, with back pressure. */
export interface Command {
  /** Whether it supports these arguments. If not, the shell library's command of that name runs instead. */
  accepts(args: readonly string[]): boolean;
  /** Resolves with the exit code. A write may reject with a BrokenPipe, which the caller turns into SIGPIPE's code. */
  run(process: Process): Promise<number>;
}

export const exitCodes = { limit: 126, interrupted: 130, killed: 137, brokenPipe: 141 } as const;
export const anyArgs = (): boolean => true;
export const noArgs = (args: readonly string[]): boolean => args.length === 0;
/** Only operands, `-` included. */
export const noOptions = (args: readonly string[]): boolean =>
  args.every((arg) => arg === '-' || !arg.startsWith('-'));
