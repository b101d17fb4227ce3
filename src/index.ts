export { type ErrorCode, errorTable, TunnelError } from './core/errors.js';
export type {
  ConnectionEvent,
  EventBody,
  EventKind,
  LabEvent,
  LifecycleEvent,
  PacketEvent,
  PacketName,
  RequestEvent,
  Role,
} from './core/events.js';
export type { FaithfulName } from './core/faithful.js';
export type {
  ClusterClient,
  LogOptions,
  PodTarget,
  PortForward,
  PortForwardOptions,
  RequestOptions,
} from './lab/cluster-client.js';
export type { ExecOptions, ExecOutcome } from './lab/exec-call.js';
export type { Lab, OpenCounts } from './lab/lab.js';
export type { LabOptions } from './lab/options.js';
export type { LabPart } from './lab/part.js';
export type {
  ApiServerReplica,
  ApiServers,
  CutManner,
  MoveOptions,
  ReplicaKillOptions,
} from './lab/replicas.js';
export type { LabWatch, LabWatchOptions, WatchedName } from './lab/replicas-watch.js';
export { startLab } from './lab/start-lab.js';
export type { NodeSpec, Topology } from './lab/topology.js';
export type { EventOf, EventPattern, FieldMatch } from './observe/event-match.js';
export type { EventPredicate, WaitOptions } from './observe/journal.js';
export type { LadderOptions } from './observe/ladder.js';
export type { Dialer, DialOptions } from './wire/client/dialer.js';
export type { TunnelClient } from './wire/client/tunnel-client.js';
