import type { ClosablePort } from '../port.js';
import { StallGuard, stallPatienceMs } from '../stall-guard.js';
import type { Frontend, FrontendKind, ServerContext } from './state.js';

/** How long a frontend may leave a stopped stream open before the server ends it, ms. */
export const lingerMs = 10_000;

export interface FrontendParts {
  readonly name: string;
  readonly port: ClosablePort;
  readonly kind: FrontendKind;
  /** Ends the dials and connections of the stream. Called before the stream is cut. */
  readonly release: (frontend: Frontend) => void;
}

/** Creates the record of a frontend stream, with the guard that keeps it from holding up its agent. */
export function createFrontend(
  context: ServerContext,
  { name, port, kind, release }: FrontendParts,
): Frontend {
  const mayBlock = context.faithful.has('head-of-line-blocking');
  const frontend: Frontend = {
    name,
    port,
    protocol: kind.protocol ?? 'grpc',
    credits: kind.credits ?? false,
    dials: new Set(),
    connections: new Map(),
    backend: undefined,
    claimed: undefined,
    stopped: false,
    finishing: false,
    linger: undefined,
    guard: new StallGuard({
      clock: context.clock,
      patienceMs: stallPatienceMs,
      takenBytes: () => port.takenBytes,
      waiting: () => (port.congested && !mayBlock) || frontend.finishing,
      stalled: () => {
        context.counts.stalledFrontends += 1;
        release(frontend);
        port.cancel();
      },
    }),
  };
  return frontend;
}

/** From now on the server only reads and drops its packets, and ends the stream if the frontend does not. */
export function stopFrontend(context: ServerContext, frontend: Frontend): void {
  frontend.stopped = true;
  if (context.faithful.has('stopped-stream-never-ended')) return;
  frontend.linger ??= context.clock.after(lingerMs, () => {
    frontend.finishing = true;
    frontend.port.finish();
    frontend.guard.watch();
  });
}

export function quietFrontend(frontend: Frontend): void {
  frontend.stopped = true;
  frontend.finishing = false;
  frontend.linger?.cancel();
  frontend.guard.cancel();
}
