import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { FaithfulSet } from '../core/faithful.js';
import { ConnectFrontend } from '../core/http-connect/frontend.js';
import { dialId } from '../core/packet.js';
import type { Random } from '../core/random.js';
import { WindowBudget } from '../core/receive-window.js';
import type { ServerMachine } from '../core/server/machine.js';
import type { Frontend } from '../core/server/state.js';
import type { ServerMetrics } from '../observe/server-metrics.js';
import type { ConnectRequest } from '../wire/connect/connect-listener.js';
import { ConnectSocket } from '../wire/connect/connect-socket.js';
import type { FrontendBounds } from './frontend-bounds.js';

export interface ConnectCallsOptions {
  /** `server/server-1`. */
  readonly node: string;
  readonly machine: ServerMachine;
  readonly emit: EventSink;
  readonly metrics: ServerMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly faithful: FaithfulSet;
  readonly frontendBounds: FrontendBounds;
  /** Asks agents for flow control: this server is the client's end of it. */
  readonly flowControl: boolean;
}

/** Serves HTTP CONNECT: each request is a frontend of the machine, with one dial. */
export class ConnectCalls {
  private readonly options: ConnectCallsOptions;
  private readonly open = new Set<ConnectFrontend>();
  private opened = 0;
  private readonly windowBudget = new WindowBudget();

  constructor(options: ConnectCallsOptions) {
    this.options = options;
  }

  handle({ address, socket, head }: ConnectRequest): void {
    const { node, machine, emit, metrics, clock, random, faithful, flowControl } = this.options;
    this.opened += 1;
    const name = `client/connect-${this.opened}`;
    const client = this.socketOf(socket);
    const late = faithful.has('hangup-noticed-after-dial');
    const connect: ConnectFrontend = new ConnectFrontend({
      clock,
      client,
      address,
      dialId: dialId(random.int63()),
      faithful,
      windowBudget: flowControl ? this.windowBudget : undefined,
      toServer: (packet) => machine.handleFrontendPacket(frontend, packet),
      dialOver: () => {
        if (late) serve();
      },
    });
    const frontend: Frontend = machine.openFrontend(name, connect, {
      protocol: 'http-connect',
      credits: flowControl,
    });
    this.open.add(connect);
    metrics.httpConnections.inc();
    emit({ kind: 'frontend.opened', node, peer: name, address });
    const closed = (): void => {
      this.open.delete(connect);
      connect.clientGone();
      machine.closeFrontend(frontend);
      metrics.httpConnections.dec();
      emit({ kind: 'frontend.closed', node, peer: name });
    };
    const serve = (): void =>
      client.serve(
        {
          closed,
          paused: () => metrics.own.paused('HTTP'),
          received: (bytes) => connect.received(bytes),
          took: (bytes) => connect.took(bytes),
          ended: () => connect.clientEnded(),
        },
        head,
      );
    connect.dial();
    if (!late) serve();
  }

  private socketOf(socket: ConnectRequest['socket']): ConnectSocket {
    const { clock, metrics, frontendBounds } = this.options;
    const timing = {
      now: () => clock.now(),
      took: (durationMs: number) => metrics.frontendWriteDuration.observe(durationMs / 1000),
    };
    return new ConnectSocket(socket, { timing, ...frontendBounds });
  }

  cut(): void {
    for (const connect of [...this.open]) connect.cancel();
  }
}
