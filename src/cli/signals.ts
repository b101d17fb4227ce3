import { brokenOutputCode } from './output-watch.js';

/** The end of a command that runs until it is interrupted. */
export interface Interruption {
  /** The exit code at the first SIGINT (130), SIGTERM (143) or SIGHUP (129), or when stdout has failed (141). */
  readonly wanted: Promise<number>;
  readonly signal: AbortSignal;
  dispose(): void;
}

export interface InterruptionOptions {
  /** Called before a second signal ends the process during its orderly end, to clean up. */
  readonly beforeForcedExit?: () => void;
}

const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Name = keyof typeof codes;

/** The first signal asks for an orderly end. The second ends the process at once. */
export function listenForSignals({ beforeForcedExit }: InterruptionOptions = {}): Interruption {
  const controller = new AbortController();
  let settle: (code: number) => void = () => undefined;
  const wanted = new Promise<number>((resolve) => {
    settle = resolve;
  });
  const interrupt = (code: number): void => {
    settle(code);
    controller.abort();
  };
  const onSignal = (name: Name): void => {
    if (!controller.signal.aborted) return interrupt(codes[name]);
    beforeForcedExit?.();
    process.exit(codes[name]);
  };
  const onBrokenOutput = (cause: NodeJS.ErrnoException): void => interrupt(brokenOutputCode(cause));
  const names = Object.keys(codes) as Name[];
  for (const name of names) process.on(name, onSignal);
  process.stdout.on('error', onBrokenOutput);
  return {
    wanted,
    signal: controller.signal,
    dispose: () => {
      for (const name of names) process.off(name, onSignal);
      process.stdout.off('error', onBrokenOutput);
    },
  };
}
