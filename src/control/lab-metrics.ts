import type { Lab } from '../lab/lab.js';
import { type MetricFamily, renderMetrics } from '../observe/exposition.js';

/** What is counted of a lab as a whole. The parts' own metrics are at their own ports, in `konnsim server` and `agent`. */
export class LabMetrics {
  private readonly lab: Lab;
  private readonly events = new Map<string, number>();

  constructor(lab: Lab, stopped: AbortSignal) {
    this.lab = lab;
    for (const { kind } of lab.events()) this.count(kind);
    stopped.addEventListener(
      'abort',
      lab.onEvent(({ kind }) => this.count(kind)),
      { once: true },
    );
  }

  text(): string {
    const { lab } = this;
    const connections = lab.connections();
    const zombies = connections.filter(({ zombie }) => zombie).length;
    return renderMetrics([
      family('konnsim_lab_events_total', 'counter', 'Events of the journal, by kind.', [
        ...[...this.events].map(([kind, value]) => ({ labels: { kind }, value })),
      ]),
      family('konnsim_lab_part_running', 'gauge', 'Whether a part runs.', [
        ...lab.parts().map(({ name: part, running }) => ({ labels: { part }, value: Number(running) })),
      ]),
      family('konnsim_lab_connections', 'gauge', 'Connections and dials through the tunnel, by state.', [
        { labels: { state: 'agreed' }, value: connections.length - zombies },
        { labels: { state: 'zombie' }, value: zombies },
      ]),
      family('konnsim_lab_fault_hits', 'gauge', 'How often each fault that is on has hit.', [
        ...lab.faults().map(({ id: fault, action, hits }) => ({ labels: { fault, action }, value: hits })),
      ]),
      family('konnsim_lab_time_seconds_total', 'counter', 'Lab time since the lab began.', [
        { value: lab.now / 1000 },
      ]),
    ]);
  }

  private count(kind: string): void {
    this.events.set(kind, (this.events.get(kind) ?? 0) + 1);
  }
}

function family(name: string, type: string, help: string, samples: MetricFamily['samples']): MetricFamily {
  return { name, type, help, samples };
}
