import type { IncomingHttpHeaders } from 'node:http2';
import { status } from '@grpc/grpc-js';
import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { Extension } from '../core/extensions.js';
import { type AgentIdentifiers, agentIdRule, isAgentId, parseAgentIdentifiers } from '../core/identifiers.js';
import type { BackendKind, ServerMachine } from '../core/server/machine.js';
import type { Backend } from '../core/server/state.js';
import type { FaultPoints } from '../links/fault-points.js';
import {
  type CallMetadata,
  extensionMetadata,
  sharedExtensions,
  valuesOf,
} from '../wire/carrier/call-headers.js';
import type { CarriedStream } from '../wire/carrier/carried-stream.js';
import type { ServedCall } from '../wire/carrier/served-call.js';
import type { StreamMeter } from './stream-meter.js';
import type { TokenAuthenticator } from './token-review.js';

export interface BackendCallsOptions {
  readonly node: string;
  readonly serverId: string;
  readonly serverCount: number;
  readonly machine: ServerMachine;
  readonly emit: EventSink;
  readonly meter: StreamMeter;
  readonly clock: Clock;
  /** What it agrees to with agents that offer it. */
  readonly extensions: readonly Extension[];
  /** Absent when agents need no tokens. */
  readonly authenticator: TokenAuthenticator | undefined;
  /** Where it meets its faults, and packets of agents theirs. */
  readonly faults: FaultPoints;
  /** Called when an agent connected or disconnected. */
  readonly changed: () => void;
}

interface AgentIdentity {
  readonly agentId: string;
  readonly identifiers: AgentIdentifiers;
}

/** Serves `/AgentService/Connect`. */
export class BackendCalls {
  private readonly options: BackendCallsOptions;
  private readonly open = new Set<CarriedStream>();
  private readonly reviews = new Set<AbortController>();
  private readonly names = new Map<string, string>();

  constructor(options: BackendCallsOptions) {
    this.options = options;
  }

  handle(call: ServedCall): void {
    const identity = identify(call.headers);
    if (typeof identity === 'string') return call.refuse({ code: status.UNKNOWN, details: identity });
    const { authenticator } = this.options;
    if (authenticator === undefined) this.unlessMute(call, identity);
    else void this.review(call, identity, authenticator);
  }

  /** Accepts or refuses the agent. As in Konnectivity, a refusal has the status UNKNOWN. */
  private async review(call: ServedCall, identity: AgentIdentity, judge: TokenAuthenticator): Promise<void> {
    const gone = new AbortController();
    this.reviews.add(gone);
    call.onGone(() => gone.abort());
    const fault = await judge.fault(valuesOf(call.headers, 'authorization'), gone.signal);
    this.reviews.delete(gone);
    if (gone.signal.aborted || call.gone) return;
    if (fault === undefined) {
      this.unlessMute(call, identity);
      return;
    }
    const { emit, node } = this.options;
    const peer = `agent/${identity.agentId}`;
    emit({ kind: 'peer.refused', node, peer, address: call.peer, error: fault });
    call.refuse({ code: status.UNKNOWN, details: fault });
  }

  /** Lets the agent wait while a fault makes the server mute. */
  private unlessMute(call: ServedCall, identity: AgentIdentity): void {
    const answer = (): void => {
      if (!call.gone) this.welcome(call, identity);
    };
    let isMute = false;
    const hold = (): (() => void) => {
      isMute = true;
      return answer;
    };
    this.options.faults.offer('mute', hold, { peer: `agent/${identity.agentId}` })();
    if (!isMute) answer();
  }

  private welcome(call: ServedCall, identity: AgentIdentity): void {
    // Sent at once, because the agent waits for it before it does anything else (R13).
    const agreed = sharedExtensions(call.headers, this.options.extensions);
    call.accept({ ...this.announcement(`agent/${identity.agentId}`), ...extensionMetadata(agreed) });
    this.serve(call, { ...identity, credits: agreed.includes('fc1'), ids: agreed.includes('ids1') });
  }

  private serve(call: ServedCall, identity: Omit<BackendKind, 'name'>): void {
    const { machine, node, emit, meter, changed, clock, extensions, faults } = this.options;
    const name = `agent/${identity.agentId}`;
    const stream = call.carry({ growWindow: clock, fair: extensions.includes('fc1') });
    // This end knows both names of the link.
    const openPath = faults.path({ from: name, to: node }, 'target');
    const path = openPath(stream, (packet) => machine.handleBackendPacket(backend, packet));
    const backend: Backend = machine.openBackend({ ...identity, name }, path.port);
    stream.start({
      packet: path.received,
      paused: (paused) => meter.paused(paused),
      ended: (end) => {
        this.open.delete(stream);
        path.closed();
        machine.closeBackend(backend);
        meter.ended(end);
        changed();
        const error = end.kind === 'lost' ? { error: end.text } : {};
        emit({ kind: 'backend.disconnected', node, peer: name, ...error });
        stream.finish();
      },
    });
    this.open.add(stream);
    this.names.set(call.peer, name);
    meter.opened();
    changed();
    const [identifiers = ''] = texts(call.headers, 'agentidentifiers');
    emit({ kind: 'backend.connected', node, peer: name, address: call.peer, identifiers });
  }

  /** The agent that connects from this address. */
  agentAt(address: string): { readonly peer?: string } {
    const peer = this.names.get(address);
    return peer === undefined ? {} : { peer };
  }

  cut(): void {
    for (const gone of [...this.reviews]) gone.abort();
    for (const stream of [...this.open]) stream.cancel();
  }

  private announcement(peer: string): CallMetadata {
    const { faults, ...own } = this.options;
    const { serverId = own.serverId, serverCount = own.serverCount } =
      faults.meet('announce', { peer }) ?? {};
    return { serverid: serverId, servercount: String(serverCount) };
  }
}

/** Reads the agent's ID from the request metadata. Returns Konnectivity's text when it is wrong. */
function identify(headers: IncomingHttpHeaders): AgentIdentity | string {
  const ids = texts(headers, 'agentid');
  const sets = texts(headers, 'agentidentifiers');
  const [agentId] = ids;
  if (agentId === undefined || ids.length !== 1) {
    return `expected one agent ID in the context, got [${ids.join(' ')}]`;
  }
  if (!isAgentId(agentId)) return `expected ${agentIdRule} in the context, got ${agentId.length}`;
  if (sets.length > 1) {
    return `expected at most one set of agent identifiers in the context, got [${sets.join(' ')}]`;
  }
  const identifiers = parseAgentIdentifiers(sets[0] ?? '');
  return 'fault' in identifiers ? identifiers.fault : { agentId, identifiers };
}

/** When a key came twice, node:http2 joins its values with `, `. Agent IDs and URL queries do not contain that. */
function texts(headers: IncomingHttpHeaders, key: string): string[] {
  return valuesOf(headers, key).flatMap((value) => value.split(', '));
}
