/** Ends a command that runs until told to stop. */
export interface Interruption {
  /** Resolves with the signal's exit code (130, 143) at the first SIGINT, SIGTERM or SIGHUP. */
  readonly wanted: Promise<number>;
  readonly signal: AbortSignal;
  /** Stops listening. */
  dispose(): void;
}

const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Name = keyof typeof codes;

/** The first signal asks to stop in order; the second ends the process at once. */
export function listenForSignals(): Interruption {
  const controller = new AbortController();
  let settle: (code: number) => void = () => undefined;
  const wanted = new Promise<number>((resolve) => {
    settle = resolve;
  });
  const names = Object.keys(codes) as Name[];
  const onSignal = (name: Name): void => {
    if (controller.signal.aborted) process.exit(codes[name]);
    controller.abort();
    settle(codes[name]);
  };
  for (const name of names) process.on(name, onSignal);
  return {
    wanted,
    signal: controller.signal,
    dispose: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
