import type { ErrorCode } from './errors.js';
import type { ConnectId, DialId, Packet } from './packet.js';

/** The four directions in which Konnectivity counts packets. */
export type Segment = 'from_client' | 'to_client' | 'from_agent' | 'to_agent';

/** Reasons of `dial_failure_count`, with Konnectivity's spelling. */
export type DialFailureReason =
  | 'no_agent'
  | 'error_response'
  | 'unrecognized_response'
  | 'send_rsp'
  | 'backend_close'
  | 'backend_dial_timeout'
  | 'frontend_close';

/** Why a connection ended, for the connection_closed events. */
export const closeReasons = [
  'frontend',
  'agent',
  'frontend_lost',
  'agent_lost',
  'frontend_stalled',
  'mismatch',
  'reused_id',
] as const;
export type CloseReason = (typeof closeReasons)[number];

/** Every method must return at once. DATA is reported by `packet` only, without a new object for it. */
export interface ServerObserver {
  packet(segment: Segment, peer: string, packet: Packet): void;
  dialStarted(dial: DialFacts): void;
  dialEstablished(dial: DialFacts, connection: ConnectId, tookMs: number): void;
  dialFailed(dial: DialFacts, reason: DialFailureReason, code: ErrorCode, text: string): void;
  /** An answer to a dial that is not pending. */
  unrecognizedDialResponse(agent: string, id: DialId): void;
  connectionClosed(facts: ConnectionFacts, reason: CloseReason): void;
  /** The server and this agent did not both hold a connection, which is closed now (R32, R33). */
  connectionStale(agent: string, id: ConnectId, text: string): void;
  backendDraining(agent: string): void;
}

export interface DialFacts {
  readonly dialId: DialId;
  readonly frontend: string;
  readonly agent: string;
  readonly address: string;
  /** Why this agent was chosen. */
  readonly because: string;
  /** When the agent was asked, by the machine's clock. Absent when no agent was asked. */
  readonly startedAt?: number;
}

export interface ConnectionFacts {
  readonly dialId: DialId;
  readonly connectId: ConnectId;
  readonly frontend: string;
  readonly agent: string;
  readonly address: string;
  readonly livedMs: number;
  /** Payload bytes that were passed on. */
  readonly toAgentBytes: number;
  readonly fromAgentBytes: number;
}
