/** How connections to the endpoint are had. */
export type Way = { readonly kind: 'tcp'; readonly port: number } | TunnelWay;

export interface TunnelWay {
  readonly kind: 'tunnel';
  readonly address: string;
  /** Where the endpoint is, as the agent dials it. */
  readonly endpoint: { readonly host: string; readonly port: number };
  /** Offers flow control for each connection. Default false. */
  readonly flowControl?: boolean;
  /** What is recorded of the client's own events. Default nothing. */
  readonly watching?: Watching;
}

/** `journal` records events but those of packets, `packets` all of them, as a lab does. */
export type Watching = 'nothing' | 'journal' | 'packets';

export interface LoadSetup {
  readonly way: Way;
  readonly controlPort: number;
}

export interface CellRequest {
  readonly cell: 'upload' | 'download' | 'ping-pong' | 'echoes' | 'dials' | 'single-use-dials';
  readonly connections: number;
  /** Size of each write of an upload; default 64 KiB. */
  readonly writeBytes?: number;
  /** Each connection of a tunnel has an HTTP/2 connection of its own, as with kube-apiserver. Default false. */
  readonly singleUse?: boolean;
  /** Connections that say nothing, and downloads that are never read, from before the measurement to its end. */
  readonly beside?: { readonly idle?: number; readonly stopped?: number };
  /** Downloads of another process through the same agent, meanwhile; each has an HTTP/2 connection of its own. Default 0. */
  readonly downloadsBeside?: number;
  readonly warmUpMs: number;
  readonly windowMs: number;
  /** Whose processor time and memory counts: client, server, agent, endpoint. */
  readonly pids: readonly number[];
}

/** Ends the downloads that are open, and opens so many. */
export interface HoldRequest {
  readonly cell: 'hold';
  readonly connections: number;
}

/**
 * Named numbers: `rate` (MB/s, or dials or echoes a second), `cpuSecondsPerGb`, `p50Us`, `p99Us`; for dials the processor
 * milliseconds of each, `clientMs` and `hopsMs`, the two processes between client and endpoint; beside idle connections
 * the resident memory of each, `serverKib` and `agentKib`. `leftOpen` connections did not end with the cell.
 */
export type Sample = Readonly<Record<string, number>>;
