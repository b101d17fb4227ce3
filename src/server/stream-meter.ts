import type { Clock } from '../core/clock.js';
import type { ServerMetrics, ServiceMethod } from '../observe/server-metrics.js';
import type { StreamEnd } from '../wire/carrier/packet-stream.js';
import type { WriteTiming } from '../wire/carrier/send-queue.js';

export class StreamMeter {
  private readonly metrics: ServerMetrics;
  private readonly service: ServiceMethod;

  constructor(metrics: ServerMetrics, service: ServiceMethod) {
    this.metrics = metrics;
    this.service = service;
  }

  opened(): void {
    this.metrics.grpcConnections(this.service).inc();
    if (this.service === 'Connect') this.metrics.own.agentConnected();
  }

  ended(end: StreamEnd): void {
    this.metrics.grpcConnections(this.service).dec();
    if (this.service === 'Connect') this.metrics.own.agentLeft(end.kind === 'lost');
    if (end.kind === 'finished') return;
    this.metrics.streamError(this.service === 'Proxy' ? 'from_client' : 'from_agent', end.code, 'Unknown');
  }

  paused(paused: boolean): void {
    const full = this.metrics.fullReceiveChannels(this.service);
    if (paused) this.metrics.own.paused(this.service);
    if (paused) full.inc();
    else full.dec();
  }

  /** Measures how long frontends need to take a packet. */
  writeTiming(clock: Clock): WriteTiming {
    const { frontendWriteDuration } = this.metrics;
    return { now: () => clock.now(), took: (durationMs) => frontendWriteDuration.observe(durationMs / 1000) };
  }
}
