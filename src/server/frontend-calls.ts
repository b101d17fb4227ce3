import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { ServerMachine } from '../core/server/machine.js';
import { creditsMetadata, knowsCredits } from '../wire/carrier/call-headers.js';
import type { CarriedStream } from '../wire/carrier/carried-stream.js';
import type { ServedCall } from '../wire/carrier/served-call.js';
import type { FrontendBounds } from './frontend-bounds.js';
import type { StreamMeter } from './stream-meter.js';

export interface FrontendCallsOptions {
  /** `server/server-1`. */
  readonly node: string;
  readonly machine: ServerMachine;
  readonly emit: EventSink;
  readonly meter: StreamMeter;
  readonly clock: Clock;
  readonly frontendBounds: FrontendBounds;
  /** Agrees to flow control with frontends that offer it. */
  readonly flowControl: boolean;
}

/** Serves `/ProxyService/Proxy`. */
export class FrontendCalls {
  private readonly options: FrontendCallsOptions;
  private readonly open = new Set<CarriedStream>();
  private opened = 0;

  constructor(options: FrontendCallsOptions) {
    this.options = options;
  }

  handle(call: ServedCall): void {
    const { machine, node, emit, meter, clock, frontendBounds } = this.options;
    this.opened += 1;
    const name = `client/frontend-${this.opened}`;
    const stream = call.carry({ timing: meter.writeTiming(clock), ...frontendBounds });
    const credits = this.options.flowControl && knowsCredits(call.headers);
    const frontend = machine.openFrontend(name, stream, { credits });
    stream.start({
      packet: (packet) => machine.handleFrontendPacket(frontend, packet),
      paused: (paused) => meter.paused(paused),
      ended: (end) => {
        this.open.delete(stream);
        machine.closeFrontend(frontend);
        meter.ended(end);
        emit({ kind: 'frontend.closed', node, peer: name });
        stream.finish();
      },
    });
    this.open.add(stream);
    meter.opened();
    emit({ kind: 'frontend.opened', node, peer: name });
    // Tells the client that it reached a server, before a later step can fail.
    call.accept(credits ? creditsMetadata : {});
  }

  cut(): void {
    for (const stream of [...this.open]) stream.cancel();
  }
}
