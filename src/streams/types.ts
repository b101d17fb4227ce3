import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';

/** The arguments of Node's `upgrade` event: the request, its socket, and bytes already read after the head. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** The size of a terminal. */
export interface TerminalSize {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

export interface RemoteCommandOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  /** Always false with `tty`. */
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The streams of a running exec or attach, for all protocols. Back pressure works on every stream. */
export interface RemoteCommandStreams {
  /**
   * The input of the command. It ends, or is destroyed, when the client closes its stdin or is gone; earlier bytes are read
   * first. Absent when the command has no input.
   */
  readonly stdin?: Readable;
  /** Takes the output of the command. Absent when it is not wanted. */
  readonly stdout?: Writable;
  /** Takes the error output of the command. Absent when it is not wanted, and with a TTY. */
  readonly stderr?: Writable;
  /** One element for each resize of the terminal. Ends with the connection. Only with a TTY. */
  readonly resize?: AsyncIterable<TerminalSize>;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** How a remote command ended. */
export type RemoteCommandResult =
  | {
      /** The command ran to its end. */
      readonly kind: 'exit';
      /** Its exit code. */
      readonly code: number;
    }
  | {
      /** The command could not be run, or was cut. */
      readonly kind: 'error';
      /** The reason. */
      readonly message: string;
    };

/** The protocol of a remote command, for events and for tests that must notice a fallback. */
export type StreamProtocol =
  | 'spdy'
  | 'websocket-v5'
  | 'websocket-v4'
  | 'websocket-v1'
  | 'websocket-tunnel'
  | 'grpc';
