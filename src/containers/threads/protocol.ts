import type { RemoteCommandResult, TerminalSize } from '../../streams/types.js';
import type { LookupFailure } from '../shell/exec-error.js';

export interface ThreadContainerSetup {
  readonly container: string;
  readonly hostname: string;
  readonly address: string;
  readonly folder: string;
  readonly seed: number;
  /** The answer to `time` is written here: a flag, and eight bytes after its start the time. */
  readonly clock: SharedArrayBuffer;
}

export interface ThreadCommand {
  readonly exec: number;
  readonly container: string;
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly endsWithClient: boolean;
  readonly isMain: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The ID that failure texts name. */
  readonly execId: string;
  readonly has: {
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
    readonly resize: boolean;
  };
}

/** Where a program is looked for. */
export type LookupPlace = Pick<ThreadCommand, 'env' | 'cwd'>;

export interface FileCount {
  readonly usedBytes: number;
  readonly entries: number;
}

/** What a thread does for the main thread. */
export interface ThreadMethods {
  /** Called with the files that `park` returned, if it was called before. */
  open(setup: ThreadContainerSetup, files: Uint8Array | undefined): void;
  /** Answers when the command has ended and its output is written. */
  exec(command: ThreadCommand): Promise<RemoteCommandResult>;
  /** Why a program cannot be started; undefined when it can. */
  lookUp(container: string, name: string, place: LookupPlace): Promise<LookupFailure | undefined>;
  /** The client of a command that ends with it has left. */
  abort(exec: number): void;
  /** Answers at once, unless a command blocks the thread. */
  ping(): void;
  /** Undefined when there is no such file. */
  readFile(container: string, path: string): Promise<Uint8Array | undefined>;
  countFiles(container: string): Promise<FileCount>;
  /** Drops a container and answers with its files, which may be empty; undefined while a command runs. */
  park(container: string): Promise<Uint8Array | undefined>;
  /** Ends a container's commands and drops it; answers when the last of them has ended. */
  close(container: string): Promise<void>;
}

/** What the main thread does for a worker thread. */
export interface ProcessMethods {
  /** The next bytes of a command's input; undefined at its end. */
  read(exec: number): Promise<Uint8Array | undefined>;
  /** Answers when there is room for more; rejects when the output has no reader any more. */
  write(exec: number, stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void>;
  /** The next size of a command's terminal; undefined when there will be no more. */
  resize(exec: number): Promise<TerminalSize | undefined>;
  /** Answers after `delayMs` of lab time, or when `wake` is called with the same ID. */
  sleep(container: string, id: number, delayMs: number): Promise<void>;
  wake(container: string, id: number): void;
  /** Writes the lab's time into the container's clock. */
  time(container: string): void;
}
