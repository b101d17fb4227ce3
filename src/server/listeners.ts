interface Closable {
  close(): Promise<void>;
}

interface FrontendListener extends Closable {
  readonly address: string;
  drain(): void;
}

interface AgentListener extends Closable {
  readonly address: string;
  refuse(): void;
}

export class Listeners {
  private readonly agents: AgentListener[] = [];
  private readonly frontends: FrontendListener[] = [];
  private readonly health: Closable[] = [];

  /** Waits for a listener of agents, and keeps it. Resolves with its address. */
  async openAgents(starting: Promise<AgentListener>): Promise<string> {
    return (await kept(starting, this.agents)).address;
  }

  /** The same for frontends. */
  async openFrontends(starting: Promise<FrontendListener>): Promise<string> {
    return (await kept(starting, this.frontends)).address;
  }

  openHealth<T extends Closable>(starting: Promise<T>): Promise<T> {
    return kept(starting, this.health);
  }

  closeHealth(): Promise<void> {
    return closeAll(this.health);
  }

  closeAgents(): Promise<void> {
    return closeAll(this.agents);
  }

  /** Takes no new frontends and dials; those that are open continue. */
  drainFrontends(): void {
    for (const listener of this.frontends) listener.drain();
  }

  refuseAgents(): void {
    for (const listener of this.agents) listener.refuse();
  }

  close(): Promise<void> {
    return closeAll([...this.agents, ...this.frontends, ...this.health]);
  }
}

async function kept<T extends K, K>(starting: Promise<T>, list: K[]): Promise<T> {
  const listener = await starting;
  list.push(listener);
  return listener;
}

async function closeAll(listeners: readonly Closable[]): Promise<void> {
  await Promise.all(listeners.map((one) => one.close()));
}
