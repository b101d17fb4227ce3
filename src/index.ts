export type { ShutdownOptions } from './apiserver/serving/shutdown.js';
export type {
  AttachRule,
  Behaviour,
  ClusterBehaviour,
  CommandMatch,
  ContainerRule,
  ExecAnswer,
  ExecLocal,
  ExecRule,
  ForwardRule,
  LogsRule,
  ObjectSelector,
  PodBehaviour,
  PodName,
  RuntimeRefusal,
} from './containers/behaviours.js';
export type { ContainerRef } from './containers/runtime.js';
export type { StreamRefusal } from './containers/stream-refusal.js';
export { type Control, type ControlOptions, startControl } from './control/start-control.js';
export type { ConnectStep, EndReason } from './core/end-reasons.js';
export {
  type Audience,
  type ErrorCode,
  errorTable,
  TunnelError,
  type TunnelErrorOptions,
} from './core/errors.js';
export type {
  ConnectionEvent,
  EventBody,
  EventCommon,
  EventKind,
  FaultEvent,
  FlowEvent,
  LabEvent,
  LeaseEvent,
  LifecycleEvent,
  PacketEvent,
  PacketName,
  PingEvent,
  RequestEvent,
  Role,
  WatchEvent,
  WebhookEvent,
} from './core/events.js';
export type { BehaviourMode, FaithfulName } from './core/faithful.js';
export type { DialFailureReason } from './core/observer.js';
export type { StrategyName } from './core/strategy.js';
export type { ItemChange } from './kube/item-store.js';
export type { KubeObject } from './kube/objects.js';
export type {
  Container,
  ContainerPort,
  ContainerState,
  ContainerStatus,
  EnvSource,
  EnvVar,
  Node,
  ObjectMeta,
  Pod,
  Service,
  Taint,
} from './kube/pod-objects.js';
export type { FeatureGates, LabKubeletConfig } from './kubelet-stub/config.js';
export type {
  ClusterClient,
  LogOptions,
  PodTarget,
  PortForward,
  PortForwardOptions,
  RequestOptions,
  StreamExecOptions,
} from './lab/cluster-client.js';
export type { Belief, ConnectionEnd, ConnectionView } from './lab/connections.js';
export type { RuntimeKind } from './lab/create-runtime.js';
export type { ExecOptions, ExecOutcome } from './lab/exec-call.js';
export type { InvariantOptions } from './lab/invariants.js';
export type { Lab } from './lab/lab.js';
export type { LabFaults } from './lab/lab-faults.js';
export type { LabJournal } from './lab/lab-journal.js';
export type { LabLink, LinkFaultDocument } from './lab/lab-link.js';
export type { OpenCounts } from './lab/open-counts.js';
export type { LabKeepalive, LabOptions } from './lab/options.js';
export type { FreezablePart, LabPart, StopOptions } from './lab/part.js';
export type {
  ApiServerReplica,
  ApiServers,
  CutManner,
  MoveOptions,
  ReplicaKillOptions,
} from './lab/replicas.js';
export type { LabWatch, LabWatchOptions, WatchedName } from './lab/replicas-watch.js';
export type { RollOptions } from './lab/roll.js';
export { startLab } from './lab/start-lab.js';
export type { DeploymentObject, NodeSpec, Topology } from './lab/topology.js';
export type { Balance } from './links/balance.js';
export type { Fault, FaultReach, Healing, LinkView } from './links/fault.js';
export type {
  Duration,
  FaultAction,
  FaultDocument,
  FaultSettings,
  FaultTime,
  PlainFault,
} from './links/fault-document.js';
export type { Http2Code } from './links/http2-codes.js';
export type { PresetName } from './links/presets.js';
export type { EventField, EventOf, EventPattern, FieldMatch } from './observe/event-match.js';
export type { EventsOf, ExpectOptions, PatternsOf } from './observe/expect-events.js';
export type { CauseName } from './observe/explain/cause.js';
export { explainRequest } from './observe/explain/explain-request.js';
export type { Explanation, ProvenCause } from './observe/explain/explanation.js';
export type { EventPredicate, WaitOptions } from './observe/journal.js';
export type { LadderOptions } from './observe/ladder.js';
export { readRecording } from './observe/recording.js';
export { type Recording } from './observe/recording-lines.js';
export type { Authority } from './pki/authority.js';
export type { Authorities, AuthorityName, CertificateSet, RoleLeaf } from './pki/certificate-set.js';
export type { KeyPair } from './pki/key-pair.js';
export type { KeyUsage, LeafRequest } from './pki/subject.js';
export { readScenarios, type Scenario } from './scenario/read.js';
export type { ScenarioReport, StepAhead, StepReport } from './scenario/report.js';
export { type RunOptions, runScenario } from './scenario/run.js';
export type { RemoteCommandResult, RemoteCommandStreams, TerminalSize } from './streams/types.js';
export { labMatchers, type MatcherOutcome, type SeenOptions } from './testing/matchers.js';
export { type ReportOptions, reportOf } from './testing/report.js';
export { type WithLabOptions, withLab } from './testing/with-lab.js';
export type { Dialer, DialOptions } from './wire/client/dialer.js';
