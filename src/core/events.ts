import type { ErrorCode } from './errors.js';

/** The parts of the picture. A `node` name in an event is `<role>/<name>`, such as `agent/node-1`. */
export type Role =
  | 'client'
  | 'apiserver'
  | 'server'
  | 'agent'
  | 'kubelet'
  | 'container'
  | 'middlebox'
  | 'store'
  | 'lab';

/** The seven packets of Konnectivity's wire. */
export type PacketName = 'DIAL_REQ' | 'DIAL_RSP' | 'CLOSE_REQ' | 'CLOSE_RSP' | 'DATA' | 'DIAL_CLS' | 'DRAIN';

interface Common {
  /** Who says it: `<role>/<name>`. */
  readonly node: string;
  /** The other end, where there is one. */
  readonly peer?: string;
  /** Ties together all events of one user request (exec, logs, port-forward). */
  readonly request?: string;
  /** Decimal text: 64-bit IDs do not fit a JSON number. */
  readonly dialId?: string;
  readonly connectId?: string;
  /** One sentence for people. */
  readonly text?: string;
}

/** A packet handed to the transport (`out`) or taken from it (`in`). Only counted bytes, never payload. */
export interface PacketEvent extends Common {
  readonly kind: 'packet';
  readonly peer: string;
  readonly dir: 'in' | 'out';
  readonly packet: PacketName;
  /** Payload bytes of DATA; 0 for all others. */
  readonly bytes: number;
}

/** A role began or ceased to work. */
export interface LifecycleEvent extends Common {
  readonly kind:
    | 'lab.ready'
    | 'lab.stopped'
    | 'role.started'
    | 'role.stopped'
    | 'role.killed'
    | 'agent.connecting'
    | 'agent.connected'
    | 'agent.disconnected'
    | 'agent.retry'
    | 'agent.draining'
    | 'backend.connected'
    | 'backend.disconnected'
    | 'backend.draining'
    | 'frontend.opened'
    | 'frontend.closed'
    /** A TLS handshake failed, or a peer broke a limit; `address` is its while it is there, `error` the reason. */
    | 'peer.refused'
    /** Certificate files have changed: handshakes take them, or, with `code` and `error`, go on with those before. */
    | 'certificates.renewed'
    | 'certificates.rejected'
    /** Replicas of the API: one is not ready any more, their number changes, their address is on another machine. */
    | 'apiserver.leaving'
    | 'apiservers.resized'
    | 'apiservers.moved'
    /** A replica of the API has its store, with all objects; has lost it, and goes on with what it knows. */
    | 'store.connected'
    | 'store.lost';
  readonly address?: string;
  readonly error?: string;
  readonly code?: ErrorCode;
  /** Milliseconds until the next try, for `agent.retry`. */
  readonly delayMs?: number;
}

/** One dial or connection through the tunnel, seen from `node`. */
export interface ConnectionEvent extends Common {
  readonly kind:
    | 'dial.started'
    | 'dial.established'
    | 'dial.failed'
    | 'connection.closed'
    | 'endpoint.dialing'
    | 'endpoint.connected'
    | 'endpoint.failed'
    | 'endpoint.closed';
  readonly address?: string;
  readonly error?: string;
  readonly code?: ErrorCode;
  /** How long it took, or lived. */
  readonly durationMs?: number;
}

/** A request that a door (façade, kubelet, client) took and answered. */
export interface RequestEvent extends Common {
  readonly kind:
    | 'request.started'
    | 'request.finished'
    | 'request.failed'
    /** A command goes on in its container though its client is gone; and how it ended then, with the time since. */
    | 'command.left'
    | 'command.ended';
  readonly verb?: string;
  readonly path?: string;
  /** `spdy`, `websocket`, `websocket-tunnel`, `grpc`, `http`. */
  readonly protocol?: string;
  readonly status?: number;
  readonly exitCode?: number;
  readonly error?: string;
  readonly durationMs?: number;
}

/** How many proxy-servers there are, by leases in a Kubernetes API and by what servers say. */
export interface LeaseEvent extends Common {
  readonly kind: /** A server's own lease is there, again. */
    | 'lease.acquired'
    | 'lease.released'
    /** A server removed an expired lease. */
    | 'lease.collected'
    /** A call to the API failed; it is tried again. */
    | 'lease.failed'
    /** An agent counts another number of servers; `text` says by what. */
    | 'servers.counted';
  /** Name of the lease. */
  readonly lease?: string;
  readonly count?: number;
  readonly code?: ErrorCode;
  readonly error?: string;
}

/** What a controller of the lab makes of its watch. */
export interface WatchEvent extends Common {
  readonly kind: /** It ended: with `error`, or in order. */
    | 'watch.broken'
    /** It goes on behind `resourceVersion`, with nothing missed. */
    | 'watch.resumed'
    /** Too much was missed: all objects were listed again. */
    | 'watch.relisted';
  /** `pods`. */
  readonly resource: string;
  readonly resourceVersion: string;
  /** How long nothing was seen, ms. */
  readonly blindMs?: number;
  readonly code?: ErrorCode;
  readonly error?: string;
}

/** A TCP flow through a middlebox. `peer` is who connected, `address` where the flow leads. */
export interface FlowEvent extends Common {
  readonly kind: 'flow.opened' | 'flow.refused' | 'flow.forgotten' | 'flow.lost' | 'flow.closed';
  /** 1, 2, 3 … in the order of the device; a refused flow has none. */
  readonly flow?: string;
  readonly address?: string;
  readonly verdict?: 'drop' | 'reset';
  /** How long nothing had passed, ms. */
  readonly idleMs?: number;
  /** Who sent what was lost. */
  readonly from?: 'client' | 'target';
  readonly end?: 'fin' | 'reset' | 'idle reset' | 'forgotten';
  /** Bytes that came from each end, and those of them that were lost. */
  readonly clientBytes?: number;
  readonly targetBytes?: number;
  readonly lostBytes?: number;
  readonly error?: string;
  readonly durationMs?: number;
}

export type EventBody =
  | PacketEvent
  | LifecycleEvent
  | ConnectionEvent
  | RequestEvent
  | FlowEvent
  | WatchEvent
  | LeaseEvent;
export type EventKind = EventBody['kind'];

/** An event in a journal: what happened plus its place in the order of the lab. */
export type LabEvent = EventBody & {
  /** 1, 2, 3 … in the order of the journal. */
  readonly seq: number;
  /** Milliseconds of lab time since the lab began. */
  readonly t: number;
};

/** Where parts report what they do. Must not throw, must not block. */
export type EventSink = (event: EventBody) => void;

/** For parts that run without a journal. */
export const ignoreEvents: EventSink = () => undefined;
