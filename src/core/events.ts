import type { ConnectStep, EndReason } from './end-reasons.js';
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

/** The seven packets of Konnectivity's wire, and those of the extensions `fc1` and `ids1`. */
export type PacketName =
  | 'DIAL_REQ'
  | 'DIAL_RSP'
  | 'CLOSE_REQ'
  | 'CLOSE_RSP'
  | 'DATA'
  | 'DIAL_CLS'
  | 'DRAIN'
  | 'WINDOW_UPDATE'
  | 'HELD';

/** The fields that all events have. */
export interface EventCommon {
  /** The part that reports the event: `<role>/<name>`. */
  readonly node: string;
  /** The other end: `<role>/<name>`. Absent in events of one part alone. */
  readonly peer?: string;
  /** The request (exec, logs, port-forward, webhook …) that the event belongs to, such as `exec-1`. */
  readonly request?: string;
  /** The dial, as decimal text: 64-bit IDs do not fit a JSON number. */
  readonly dialId?: string;
  /** The connection on one agent stream, as decimal text. */
  readonly connectId?: string;
  /** One sentence for people. */
  readonly text?: string;
}

/** A packet was sent or received. The event counts the bytes of the payload and does not hold them. */
export interface PacketEvent extends EventCommon {
  /** Always `packet`. */
  readonly kind: 'packet';
  /** The other end of the stream: `<role>/<name>`. */
  readonly peer: string;
  /** `out` when `node` sent the packet, `in` when it received it. */
  readonly dir: 'in' | 'out';
  /** The type of the packet. */
  readonly packet: PacketName;
  /** Payload bytes of DATA; 0 for all others. */
  readonly bytes: number;
}

/** A part started, stopped, or gained or lost a peer. */
export interface LifecycleEvent extends EventCommon {
  /** What happened. */
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
    /** A TLS handshake failed, or a peer broke a limit. `address` is the peer's, `error` the reason. */
    | 'peer.refused'
    /** Certificate files changed. New handshakes use them. */
    | 'certificates.renewed'
    /** Certificate files changed and cannot be used. Handshakes use the earlier ones; `code` and `error` say why. */
    | 'certificates.rejected'
    /** A replica of the API ends gracefully and is not ready any more. */
    | 'apiserver.leaving'
    /** The number of API replicas changed. */
    | 'apiservers.resized'
    /** The address of the API replicas moved to another machine. */
    | 'apiservers.moved'
    /** A replica of the API is connected to its store and has all objects. */
    | 'store.connected'
    /** A replica of the API lost its store. It answers from the objects that it has. */
    | 'store.lost';
  /** The address that the event is about. */
  readonly address?: string;
  /** The agent's own address on its connection, for `agent.connected`: `peer` in the events of its flow in a middlebox. */
  readonly local?: string;
  /** The reason of a failure. */
  readonly error?: string;
  /** The code of a failure. An `agent.retry` without it has a `peer`: the server to which the agent is connected already. */
  readonly code?: ErrorCode;
  /** What the agent was doing when its attempt failed, for `agent.retry`. */
  readonly step?: ConnectStep;
  /** Milliseconds until the next try, for `agent.retry`. */
  readonly delayMs?: number;
  /** A number of servers: what a server announces (`role.started`), how many an agent looks for (`agent.connected`). */
  readonly count?: number;
  /** How the server chooses agents, in order and with commas between: `destHost,default`. For its `role.started`. */
  readonly strategies?: string;
  /** What the agent claims, as it sent it: `ipv4=10.0.1.11&host=node-1`. For `backend.connected`. */
  readonly identifiers?: string;
  /** The idle time after which a server or an agent pings its peers, ms. For `role.started`. */
  readonly keepaliveMs?: number;
}

/** One dial or connection through the tunnel, seen from `node`. */
export interface ConnectionEvent extends EventCommon {
  /** What happened. */
  readonly kind:
    | 'dial.started'
    | 'dial.established'
    | 'dial.failed'
    | 'connection.closed'
    /** A request goes over a connection that an earlier one opened. The dial has the events of that one. */
    | 'connection.reused'
    /** One end held a connection that the other had forgotten. It is closed; `text` says which end held it. */
    | 'connection.stale'
    | 'endpoint.dialing'
    | 'endpoint.connected'
    | 'endpoint.failed'
    | 'endpoint.closed';
  /** The dialled endpoint: `host:port`. */
  readonly address?: string;
  /** The reason of a failure. */
  readonly error?: string;
  /** The code of a failure. */
  readonly code?: ErrorCode;
  /** Why it failed or ended. Only servers and agents say it. */
  readonly reason?: EndReason;
  /** What each strategy of the server found, for NO_AGENT: `destHost: no agent claims 10.0.1.99`. */
  readonly tried?: string;
  /** How long the dial took, or how long the connection was open, ms. */
  readonly durationMs?: number;
}

/** A request that the API façade, a kubelet or a client handles. */
export interface RequestEvent extends EventCommon {
  /** What happened. */
  readonly kind:
    | 'request.started'
    | 'request.finished'
    | 'request.failed'
    /** The client is gone, and its command goes on in the container. */
    | 'command.left'
    /** A command ended after its client was gone; `durationMs` is the time between. */
    | 'command.ended';
  /** What is asked for: `exec`, `logs`, `get` … */
  readonly verb?: string;
  /** The path of an HTTP request, else `namespace/pod/container`. */
  readonly path?: string;
  /** `spdy`, `websocket`, `websocket-tunnel`, `grpc`, `http`. */
  readonly protocol?: string;
  /** The HTTP status of the answer. */
  readonly status?: number;
  /** The exit code of the command. */
  readonly exitCode?: number;
  /** The reason of a failure. */
  readonly error?: string;
  /** The code of a failure of the tunnel or of TLS behind the answer. Absent for the API's own refusals. */
  readonly code?: ErrorCode;
  /** How long the request took, ms. */
  readonly durationMs?: number;
}

/** An API server's call of an admission webhook. `peer` is absent: a webhook is no part of a lab. */
export interface WebhookEvent extends EventCommon {
  /** `webhook.answered`: it answered, and allowed or denied. `webhook.failed`: it could not be called. */
  readonly kind: 'webhook.answered' | 'webhook.failed';
  /** The name of the webhook in its configuration. */
  readonly webhook: string;
  /** `cluster`: a Service, called through the tunnel. `controlplane`: a URL, called directly. */
  readonly egress: 'cluster' | 'controlplane';
  /** What its configuration says of failures: `Fail` refuses the write, `Ignore` lets it pass. */
  readonly policy: 'Fail' | 'Ignore';
  /** True when the webhook allowed the write, for `webhook.answered`. As a text: events hold texts and numbers. */
  readonly allowed?: 'true' | 'false';
  /** 200, the status of the refusal, or that of the failure. */
  readonly status: number;
  /** The reason of a failure. */
  readonly error?: string;
  /** How long the call took, ms. */
  readonly durationMs: number;
}

/** Leases of proxy-servers in a Kubernetes API, and the number of servers that agents count. */
export interface LeaseEvent extends EventCommon {
  /** What happened. */
  readonly kind: /** A server created or renewed its lease after it had none. */
    | 'lease.acquired'
    /** A server removed its lease, because it stops. */
    | 'lease.released'
    /** A server removed an expired lease. */
    | 'lease.collected'
    /** A call to the API failed. The server tries again. */
    | 'lease.failed'
    /** The number of servers that an agent looks for changed; `text` says where the number is from. */
    | 'servers.counted';
  /** Name of the lease. */
  readonly lease?: string;
  /** The number of servers. */
  readonly count?: number;
  /** The code of a failure. */
  readonly code?: ErrorCode;
  /** The reason of a failure. */
  readonly error?: string;
}

/** A watch of a controller of the lab ended or continued. */
export interface WatchEvent extends EventCommon {
  /** What happened. */
  readonly kind: /** The first watch is open: later changes are seen. */
    | 'watch.started'
    /** The watch ended. `error` says why; without it, the server ended it in order. */
    | 'watch.broken'
    /** The watch continues after `resourceVersion`, and no change was missed. */
    | 'watch.resumed'
    /** The API had no history back to `resourceVersion`, so the controller listed all objects again. */
    | 'watch.relisted';
  /** What is watched, such as `pods`. */
  readonly resource: string;
  /** The last version that the controller has seen. */
  readonly resourceVersion: string;
  /** How long the controller saw no changes, ms. */
  readonly blindMs?: number;
  /** The code of a failure. */
  readonly code?: ErrorCode;
  /** The reason of a failure. */
  readonly error?: string;
}

/** An HTTP/2 ping between a server and an agent, seen from the one that sent it. */
export interface PingEvent extends EventCommon {
  /** What happened. After `ping.unanswered` the connection is given up. */
  readonly kind: 'ping.sent' | 'ping.answered' | 'ping.unanswered';
  /** The agent's address on the connection, as this end sees it: `host:port`. A device between them has two. */
  readonly address?: string;
  /** From the ping to its answer, ms. For `ping.answered`. */
  readonly durationMs?: number;
}

/** A TCP flow through a middlebox. `peer` is the client that connected. */
export interface FlowEvent extends EventCommon {
  /** What happened. */
  readonly kind: 'flow.opened' | 'flow.refused' | 'flow.forgotten' | 'flow.lost' | 'flow.closed';
  /** The number of the flow: 1, 2, 3 … in the order in which they opened. Absent for a refused flow. */
  readonly flow?: string;
  /** The target of the flow: `host:port`. */
  readonly address?: string;
  /** The link of the flow: `agent/node-1 → server/server-1`. */
  readonly link?: string;
  /** How a link ended the flow: `drop` loses its bytes silently, `reset` and `fin` tell both ends. */
  readonly verdict?: 'drop' | 'reset' | 'fin';
  /** How long the flow carried no bytes, ms. */
  readonly idleMs?: number;
  /** The sender of the bytes that were lost. */
  readonly from?: 'client' | 'target';
  /** How the flow ended: `cut` by a link that told both ends, `forgotten` by one that did not. */
  readonly end?: 'fin' | 'reset' | 'cut' | 'forgotten';
  /** Bytes that the client sent. */
  readonly clientBytes?: number;
  /** Bytes that the target sent. */
  readonly targetBytes?: number;
  /** Bytes that the middlebox lost, of both directions. */
  readonly lostBytes?: number;
  /** The reason of a failure. */
  readonly error?: string;
  /** How long the flow was open, ms. */
  readonly durationMs?: number;
}

/** A fault was set, hit a connection, a part or a packet, or was removed. */
export interface FaultEvent extends EventCommon {
  /** What happened. */
  readonly kind: 'fault.set' | 'fault.hit' | 'fault.healed';
  /** The name of the fault: `fault-1`. */
  readonly fault: string;
  /** What it does: `drop`, `latency`. */
  readonly action: string;
  /** The link of the connection that it hit: `agent/node-1 → server/server-1`. */
  readonly link?: string;
  /** The flow that it hit, as in events of the kind `flow.…`. Absent for an attempt to connect. */
  readonly flow?: string;
  /** The fault as JSON, for `fault.set`. */
  readonly document?: string;
  /** The part that it hit, for faults of parts: `kubelet/node-1`. */
  readonly part?: string;
  /**
   * The connections through the tunnel that the flow carried when it was hit: connect IDs with commas between. Absent when
   * there were none, and when its link had several flows.
   */
  readonly connections?: string;
  /** The type of the packet that it hit, or put in. */
  readonly packet?: PacketName;
}

/** An event as a part reports it, without its place in the journal. */
export type EventBody =
  | PacketEvent
  | LifecycleEvent
  | ConnectionEvent
  | RequestEvent
  | WebhookEvent
  | PingEvent
  | FlowEvent
  | FaultEvent
  | WatchEvent
  | LeaseEvent;
/** The kinds of events, such as `agent.connected`. */
export type EventKind = EventBody['kind'];

/** An event in the journal of a lab. */
export type LabEvent = EventBody & {
  /** 1, 2, 3 … in the order of the journal. */
  readonly seq: number;
  /** Milliseconds of lab time since the lab began. */
  readonly t: number;
};

/** Takes the events that parts report. Must not throw and must not block. */
export type EventSink = (event: EventBody) => void;

/** Drops events, for parts that run without a journal. */
export const ignoreEvents: EventSink = () => undefined;
