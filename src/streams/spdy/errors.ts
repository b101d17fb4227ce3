import { TunnelError } from '../../core/errors.js';

/** Somebody uses a connection that is over. */
export function connectionClosed(): TunnelError {
  return new TunnelError('TUNNEL_CLOSED', 'the SPDY connection is closed');
}

/** The socket ended without a good-bye. Go's word for it, which users of real clusters know. */
export function connectionCut(): TunnelError {
  return new TunnelError('TUNNEL_CLOSED', 'unexpected EOF');
}

export function connectionIdle(idleMs: number): TunnelError {
  return new TunnelError('TUNNEL_CLOSED', `the SPDY connection was idle for ${idleMs} ms`);
}

/** spdystream's text for a RST_STREAM. */
export function streamReset(): TunnelError {
  return new TunnelError('TUNNEL_CLOSED', 'Stream reset');
}
