import { connect, Socket } from 'node:net';
import type { FlowEvent } from '../core/events.js';
import type { Random } from '../core/random.js';
import { type Edge, edgeText } from './edge.js';
import { FaultSet, type FaultSetOptions } from './fault-set.js';
import type { FlowEnd, FlowVerdict } from './flow.js';
import type { LinkFault, LinkFlow } from './link-fault.js';
import { type FlowSockets, SocketFlow } from './socket-flow.js';
import { SocketPairs } from './socket-pairs.js';
import type { TcpTarget } from './tcp-connect.js';

/** A listener at an address or a path, or whatever gives a connected socket. */
export type LinkTarget = TcpTarget | { readonly path: string };

/** Whose flows they are: a device has counters and events of its own. */
export interface FlowOwner {
  /** Who reports the events of these flows. Default: the owner of the links. */
  readonly node?: string;
  readonly about?: Pick<FlowEvent, 'peer' | 'address'>;
  readonly refused?: (cause: Error) => void;
  readonly opened?: (flow: LinkFlow) => void;
  readonly stopped?: (verdict: FlowVerdict) => void;
  readonly closed?: (flow: LinkFlow, end: FlowEnd) => void;
}

interface Meeting {
  readonly verdict: 'refuse' | 'silence' | { readonly delayMs: number };
  readonly by: LinkFault | undefined;
}

export interface LinkAttempt {
  readonly reached: (target: Socket) => void;
  readonly failed: (cause: Error) => void;
}

/** The links between parts: every connection passes one, and its faults with it. */
export class Links {
  /** What can go wrong on them, and in the parts. */
  readonly faults: FaultSet;
  private readonly options: FaultSetOptions;
  private readonly pairs = new SocketPairs();
  private readonly flows = new Set<LinkFlow>();
  /** How to give up each attempt to connect. */
  private readonly attempts = new Set<() => void>();
  /** Attempts without an answer, with the fault that keeps it back. */
  private readonly silent = new Map<() => void, LinkFault | undefined>();
  private isClosed = false;
  private numbers = 0;

  constructor(options: FaultSetOptions) {
    this.options = options;
    this.faults = new FaultSet(options, {
      flows: () => this.flows,
      calm: (fault) => this.wake(fault),
    });
  }

  get random(): Random {
    return this.options.random;
  }

  /** Connects through a link, as `net.connect` does: the socket emits `connect`, or the kernel's error. */
  open(edge: Edge, target: LinkTarget): Socket {
    const near = new Socket();
    near.on('error', () => undefined);
    this.connect(near, edge, target);
    return near;
  }

  /** As `open`, for a new socket of the caller, which must not write before `connect`. A silent link never answers. */
  connect(near: Socket, edge: Edge, target: LinkTarget, owner?: FlowOwner): void {
    const attempt: LinkAttempt = {
      failed: (cause) => near.destroy(cause),
      reached: (socket) => {
        near.off('close', abandon);
        if (near.destroyed) return void socket.destroy();
        this.pairs.connect(near, {
          joined: (far) => this.carry(edge, { client: far, target: socket }, owner),
          lost: () => socket.destroy(),
        });
      },
    };
    const abandon = this.reach(edge, target, attempt, owner);
    near.once('close', abandon);
  }

  /** Connects to the target of a new connection. Call the returned function to give up. */
  reach(edge: Edge, target: LinkTarget, attempt: LinkAttempt, owner: FlowOwner = {}): () => void {
    let isOver = false;
    let cancel: () => void = () => undefined;
    const asked = new Set<LinkFault>();
    const end = (): void => {
      isOver = true;
      this.silent.delete(ask);
      this.attempts.delete(abandon);
    };
    const abandon = (): void => {
      end();
      cancel();
    };
    const fail = (cause: Error): void => {
      if (isOver) return;
      end();
      owner.refused?.(cause);
      attempt.failed(cause);
    };
    const reached = (socket: Socket): void => {
      if (isOver) return void socket.destroy();
      end();
      attempt.reached(socket);
    };
    const connectNow = (): void => {
      cancel = connectTo(target, { reached, failed: fail });
    };
    const ask = (): void => {
      const { verdict, by } = this.meet(edge, asked);
      if (verdict === 'silence') this.silent.set(ask, by);
      else if (verdict === 'refuse') process.nextTick(() => fail(refusal(target)));
      else if (verdict.delayMs === 0) connectNow();
      else {
        const timer = this.options.clock.after(verdict.delayMs, connectNow);
        cancel = () => timer.cancel();
      }
    };
    this.attempts.add(abandon);
    if (this.isClosed) process.nextTick(() => fail(refusal(target)));
    else ask();
    return abandon;
  }

  /** Joins two connected sockets by a flow, with the faults of its link. */
  carry(edge: Edge, sockets: FlowSockets, owner: FlowOwner = {}): void {
    const { clock, emit } = this.options;
    const { node = this.options.node, about = {} } = owner;
    const number = String(++this.numbers);
    const where = { node, flow: number, link: edgeText(edge), ...about };
    const carried = new SocketFlow(sockets, clock, {
      stopped: (verdict, idleMs) => {
        owner.stopped?.(verdict);
        emit({ kind: 'flow.forgotten', ...where, verdict, idleMs, text: verdictText[verdict] });
      },
      lost: (from, lostBytes) =>
        emit({ kind: 'flow.lost', ...where, from, lostBytes, text: 'and all later bytes' }),
      closed: (end) => {
        this.flows.delete(flow);
        for (const fault of this.faults.onLinks) fault.left(flow);
        owner.closed?.(flow, end);
      },
    });
    const destroy = (): void => carried.destroy();
    const flow: LinkFlow = { edge, number, machine: carried.machine, destroy };
    this.flows.add(flow);
    owner.opened?.(flow);
    for (const fault of this.faults.onLinks) fault.joined(flow);
    carried.start();
  }

  /** Ends all connections and attempts, without an answer to these. */
  close(): void {
    this.isClosed = true;
    for (const abandon of [...this.attempts]) abandon();
    this.faults.close();
    for (const flow of [...this.flows]) flow.destroy();
    this.pairs.close();
  }

  /** A fault keeps silent no longer: the attempts that it held go on. */
  private wake(fault: LinkFault): void {
    for (const [ask, by] of [...this.silent]) {
      if (by !== fault) continue;
      this.silent.delete(ask);
      ask();
    }
  }

  /** Asks the faults in order, each once. The first that refuses or keeps silent decides; delays add up. */
  private meet(edge: Edge, asked: Set<LinkFault>): Meeting {
    let delayMs = 0;
    for (const fault of this.faults.onLinks) {
      if (asked.has(fault)) continue;
      asked.add(fault);
      const verdict = fault.connecting(edge);
      if (typeof verdict === 'string') return { verdict, by: fault };
      delayMs += verdict?.delayMs ?? 0;
    }
    return { verdict: { delayMs }, by: undefined };
  }
}

const verdictText = {
  drop: 'neither end is told; bytes are lost from now on',
  reset: 'both ends are told',
  fin: 'both ends see an end',
} as const;

/** The error that the kernel gives when nothing listens at an address. */
function refusal(target: LinkTarget): Error {
  const address =
    typeof target === 'function' ? '' : 'path' in target ? target.path : `${target.host}:${target.port}`;
  return Object.assign(new Error(`connect ECONNREFUSED ${address}`), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
  });
}

/** Returns how to give up. */
function connectTo(target: LinkTarget, { reached, failed }: LinkAttempt): () => void {
  if (typeof target === 'function') {
    target().then(reached, failed);
    return () => undefined;
  }
  const socket = connect({ ...target, allowHalfOpen: true, noDelay: true });
  let isConnected = false;
  socket.on('error', (cause) => isConnected || failed(cause));
  socket.once('connect', () => {
    isConnected = true;
    reached(socket);
  });
  return () => isConnected || socket.destroy();
}
