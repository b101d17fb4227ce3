import { Metadata } from '@grpc/grpc-js';
import type { ProxyServer } from '../../src/server/server.js';
import { StockCall, type StockPacket, type StockServerCall, startStockServer } from './stock-peers.js';
import type { TunnelBench } from './tunnel-bench.js';

/** Stands between agents and a server, and loses what the test says. */
export class LossyRelay {
  /** What was lost. */
  readonly lost: StockPacket[] = [];
  /** The words of `x-knp-ext` that the agents have offered. */
  readonly offered: string[] = [];
  loses: (packet: StockPacket) => boolean = () => false;
  private readonly onward: StockCall[] = [];
  private readonly bench: TunnelBench;
  private readonly server: ProxyServer;

  private constructor(bench: TunnelBench, server: ProxyServer) {
    this.bench = bench;
    this.server = server;
  }

  /** Resolves with a relay to the server, and its address for agents. */
  static async start(
    bench: TunnelBench,
    server: ProxyServer,
  ): Promise<{ relay: LossyRelay; address: string }> {
    const relay = new LossyRelay(bench, server);
    const stock = await startStockServer({ Connect: (call) => relay.join(call) }, bench.tls('server'));
    bench.onClose(async () => {
      await stock.close();
      for (const call of relay.onward) await call.close();
    });
    return { relay, address: stock.address };
  }

  private join(agent: StockServerCall): void {
    const { bench, server } = this;
    const fields = fieldsOf(agent.metadata, ['agentid', 'agentidentifiers', 'x-knp-ext']);
    this.offered.push(fields['x-knp-ext'] ?? '');
    const to = { address: server.agentAddress, tls: bench.tls('agent') };
    const onward = new StockCall('Connect', to, fields);
    this.onward.push(onward);
    onward.call.once('metadata', (metadata: Metadata) => {
      const announced = new Metadata();
      const words = fieldsOf(metadata, ['serverid', 'servercount', 'x-knp-ext']);
      for (const [key, value] of Object.entries(words)) announced.set(key, value);
      agent.sendMetadata(announced);
    });
    agent.on('data', (packet: StockPacket) => this.pass(packet, onward.call));
    onward.call.on('data', (packet: StockPacket) => this.pass(packet, agent));
    agent.once('cancelled', () => void onward.close());
    onward.call.once('status', () => agent.end());
  }

  private pass(packet: StockPacket, to: { write(packet: object): void }): void {
    if (this.loses(packet)) this.lost.push(packet);
    else to.write(packet);
  }
}

function fieldsOf(metadata: Metadata, keys: readonly string[]): Record<string, string> {
  const known = keys.flatMap((key) => metadata.get(key).map((value) => [key, String(value)] as const));
  return Object.fromEntries(known);
}
