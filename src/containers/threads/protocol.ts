import type { RemoteCommandResult, TerminalSize } from '../../streams/types.js';

/** A container as its thread has to know it. */
export interface ThreadContainerSetup {
  readonly container: string;
  readonly hostname: string;
  readonly address: string;
  /** Of the container's random device. */
  readonly seed: number;
  /** Where the answer to `time` is put: a flag, then eight bytes further on the time. */
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
  /** The id that texts of failures name. */
  readonly execId: string;
  /** Which of its streams are there. */
  readonly has: {
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
    readonly resize: boolean;
  };
}

export interface FileCount {
  readonly usedBytes: number;
  readonly entries: number;
}

/** What a thread does for the process. */
export interface ThreadMethods {
  /** With the files that `park` has kept, if it had been called. */
  open(setup: ThreadContainerSetup, files: Uint8Array | undefined): void;
  /** Answers when the command has ended and its output is written. */
  exec(command: ThreadCommand): Promise<RemoteCommandResult>;
  /** The client of a command that ends with it is gone. */
  abort(exec: number): void;
  /** Answers at once, unless something holds the thread up. */
  ping(): void;
  /** Undefined when there is no such file. */
  readFile(container: string, path: string): Promise<Uint8Array | undefined>;
  countFiles(container: string): Promise<FileCount>;
  /** Forgets a container that runs nothing and answers with its files, which may be empty; undefined if it does run. */
  park(container: string): Promise<Uint8Array | undefined>;
  /** Ends a container's commands and forgets it; answers when the last of them has ended. */
  close(container: string): Promise<void>;
}

/** What the process does for a thread. */
export interface ProcessMethods {
  /** The next bytes of a command's input; undefined at its end. */
  read(exec: number): Promise<Uint8Array | undefined>;
  /** Answers when there is room for more; rejects when nobody will read it. */
  write(exec: number, stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void>;
  /** The next size of a command's terminal; undefined when there will be no more. */
  resize(exec: number): Promise<TerminalSize | undefined>;
  /** Answers after `delayMs` of lab time, or when `wake` is called with the same id. */
  sleep(container: string, id: number, delayMs: number): Promise<void>;
  wake(container: string, id: number): void;
  /** Puts the lab's time into the container's clock. */
  time(container: string): void;
}
