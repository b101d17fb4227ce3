type Name = 'SIGINT' | 'SIGTERM';

const names: readonly Name[] = ['SIGINT', 'SIGTERM'];

/** The signals that end a program, in order. A signal is kept until it is waited for. */
export class SignalQueue {
  private readonly arrived: Name[] = [];
  private readonly waiting: ((name: Name) => void)[] = [];
  private readonly controller = new AbortController();

  /** Catches signals from now on. */
  constructor() {
    for (const name of names) process.on(name, this.take);
  }

  /** Aborts at the first signal. */
  get first(): AbortSignal {
    return this.controller.signal;
  }

  next(): Promise<Name> {
    const name = this.arrived.shift();
    if (name !== undefined) return Promise.resolve(name);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Stops catching signals, so that they end the process again. */
  dispose(): void {
    for (const name of names) process.off(name, this.take);
  }

  private readonly take = (name: Name): void => {
    this.controller.abort();
    const next = this.waiting.shift();
    if (next === undefined) this.arrived.push(name);
    else next(name);
  };
}
