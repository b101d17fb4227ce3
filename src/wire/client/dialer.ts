import type { Duplex } from 'node:stream';

/** Options of `dial`. */
export interface DialOptions {
  /** Aborting cancels the dial (DIAL_CLS on the wire) until the connection is open. Default: it is not cancelled. */
  readonly signal?: AbortSignal;
  /** The user request that the events of this connection carry. Default: no request. */
  readonly request?: string;
}

/**
 * Opens byte streams to `host:port`. The tunnel's client is one, a plain TCP connect another. Code that reaches kubelets
 * takes a Dialer and does not know which one it has.
 */
export interface Dialer {
  /**
   * Resolves with an open connection. The stream has an `error` listener from the start, so that an error which is not
   * handled does not end the process; it emits at most one `error`.
   *
   * Rejects with a TunnelError: NO_AGENT, DIAL_FAILED (the endpoint could not be opened), DIAL_TIMEOUT, DIAL_CANCELLED,
   * SERVER_UNREACHABLE, TLS_REJECTED, TUNNEL_CLOSED (the tunnel was lost before the answer), or LAB_STOPPED (the client is
   * closed).
   */
  dial(host: string, port: number, options?: DialOptions): Promise<Duplex>;
}
