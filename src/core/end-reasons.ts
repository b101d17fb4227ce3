import type { DialFailureReason } from './observer.js';

/** The steps of a connection to a server, in order: its name, TCP, TLS, then HTTP/2 until the server has answered. */
export type ConnectStep = 'lookup' | 'connect' | 'tls' | 'http2';

/**
 * Why a dial failed or a connection ended, in the word of the part that reports it. `server` and `agent`, `frontend` and
 * `endpoint` closed it in order; `…_lost` means that a stream ended, `…_stalled` that an end did not read.
 */
export type EndReason =
  // A dial, at a server.
  | DialFailureReason
  // A dial, at an agent.
  | 'timeout'
  | 'refused'
  | 'unreachable'
  | 'not_found'
  | 'cancelled'
  | 'other'
  // A connection, at a server.
  | 'frontend'
  | 'agent'
  | 'frontend_lost'
  | 'agent_lost'
  | 'frontend_stalled'
  | 'mismatch'
  | 'reused_id'
  // A connection, at an agent.
  | 'server'
  | 'endpoint'
  | 'server_lost'
  | 'endpoint_stalled'
  | 'window_exceeded'
  | 'dial_cancelled';
