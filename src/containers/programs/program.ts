import type { Duplex } from 'node:stream';
import type { Clock } from '../../core/clock.js';
import type { Container, Pod } from '../../kube/pod-objects.js';
import type { LogStream } from '../logs/log-block.js';

/** What the main process of a container may use. */
export interface ProgramContext {
  readonly pod: {
    readonly metadata: Pick<Pod['metadata'], 'name' | 'namespace'>;
    readonly spec: Pick<Pod['spec'], 'nodeName'>;
  };
  readonly container: Pick<Container, 'name' | 'image' | 'ports'>;
  /** Its variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
  readonly log: (stream: LogStream, output: Uint8Array | string) => void;
  /** Accepts the connections to a port of the pod. They are destroyed when the container ends. */
  listen(port: number, accept: (connection: Duplex) => void): void;
  /** Aborts when the container is stopped: then the program must release everything. */
  readonly signal: AbortSignal;
}

/** The main process of a container, chosen by its image. */
export interface Program {
  start(context: ProgramContext): void;
  /** An attach with standard input opens a shell; the `exit` of the shell ends the container. */
  readonly isShell?: boolean;
}

/** The socket of a port in the folder of a container, where programs are processes. */
export function portFile(port: number): string {
  return `.${port}.sock`;
}
