import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.js';
import type { EventTimes } from '../../observe/event-times.js';
import type { Journal } from '../../observe/journal.js';
import type { TlsFiles } from '../../wire/net/tls.js';
import { startObserveService } from './observe-service.js';

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly times: EventTimes;
}

export interface AdminPort {
  readonly address: string;
  close(): Promise<void>;
}

/** Serves the events of this process to `konnsim events`. Rejects with ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CERT_INVALID. */
export function startAdminPort(options: AdminOptions): Promise<AdminPort> {
  const { host, port, tls, journal, clock, times } = options;
  return startObserveService({
    endpoint: { kind: 'tcp', host, port, tls },
    source: journal,
    clock,
    wallNowMs: () => times.note(clock.now() - journal.startedAt),
    wallMsAt: (t) => times.at(t),
    run: randomUUID(),
    where: 'admin port',
  });
}
