import { TunnelError } from '../../core/errors.js';

export function connectionClosed(): TunnelError {
  return new TunnelError('TUNNEL_CLOSED', 'the SPDY connection is closed');
}

/** The error for a socket that ended without GOAWAY. It is Go's text, which users of real clusters know. */
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
