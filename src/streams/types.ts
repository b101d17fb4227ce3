import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';

/** What Node's `upgrade` event hands over: the request, its socket, and bytes already read behind the head. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Columns and rows of a terminal. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** Which streams an exec or attach asked for. */
export interface RemoteCommandOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  /** Always false with `tty`. */
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The running end of an exec or attach, whatever protocol carries it. Back pressure works on every stream. */
export interface RemoteCommandStreams {
  /**
   * Ends, or is destroyed, when the client half-closes its stdin or is gone; all that came before is read first. Absent
   * when stdin was not asked for.
   */
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  /** One element per resize; ends with the connection. Present with a TTY only. */
  readonly resize?: AsyncIterable<TerminalSize>;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** How a remote command ended. `error` means that it could not be run or was cut, not that it failed. */
export type RemoteCommandResult =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'error'; readonly message: string };

/** The wire under a remote command, for events and tests that must notice a silent fall-back. */
export type StreamProtocol =
  | 'spdy'
  | 'websocket-v5'
  | 'websocket-v4'
  | 'websocket-v1'
  | 'websocket-tunnel'
  | 'grpc';
