interface Closable {
  close(): Promise<void>;
}

interface Listener extends Closable {
  readonly address: string;
  refuse(): void;
}

export class Listeners {
  private readonly agents: Listener[] = [];
  private readonly frontends: Listener[] = [];
  private readonly health: Closable[] = [];

  /** Waits for a listener of agents or frontends, and keeps it. Resolves with its address. */
  async open(side: 'agents' | 'frontends', starting: Promise<Listener>): Promise<string> {
    const listener = await starting;
    this[side].push(listener);
    return listener.address;
  }

  async openHealth<T extends Closable>(starting: Promise<T>): Promise<T> {
    const server = await starting;
    this.health.push(server);
    return server;
  }

  closeHealth(): Promise<void> {
    return closeAll(this.health);
  }

  closeAgents(): Promise<void> {
    return closeAll(this.agents);
  }

  refuse(): void {
    for (const listener of [...this.agents, ...this.frontends]) listener.refuse();
  }

  close(): Promise<void> {
    return closeAll([...this.agents, ...this.frontends, ...this.health]);
  }
}

async function closeAll(listeners: readonly Closable[]): Promise<void> {
  await Promise.all(listeners.map((one) => one.close()));
}
