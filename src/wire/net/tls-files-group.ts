import type { Clock } from '../../core/clock.js';
import type { EventSink } from '../../core/events.js';
import type { ClientTls, Renewable, ServerTls } from './tls.js';
import { type TlsFilesInUse, useTlsFiles } from './tls-files.js';

export interface TlsFilesGroupOptions {
  /** The part that uses the files, in events: `server/server-1`. */
  readonly node: string;
  readonly clock: Clock;
  readonly emit: EventSink;
}

/** All certificate files of one role. It reports their changes as events, and closes them together. */
export class TlsFilesGroup {
  private readonly options: TlsFilesGroupOptions;
  private readonly inUse: TlsFilesInUse<unknown>[] = [];

  constructor(options: TlsFilesGroupOptions) {
    this.options = options;
  }

  /** Reads files and follows their changes. Rejects with the errors of `read`, and with CERT_INVALID. */
  async use<T extends ServerTls | ClientTls>(
    files: readonly string[],
    read: () => Promise<T>,
  ): Promise<Renewable<T>> {
    const { node, clock, emit } = this.options;
    const text = files.join(', ');
    const used = await useTlsFiles({
      files,
      read,
      clock,
      where: node,
      changed: (change) => {
        if (change.kind === 'renewed') emit({ kind: 'certificates.renewed', node, text });
        else {
          const { code, message: error } = change.error;
          emit({ kind: 'certificates.rejected', node, text, code, error });
        }
      },
    });
    this.inUse.push(used);
    return used;
  }

  async close(): Promise<void> {
    await Promise.all(this.inUse.map((files) => files.close()));
  }
}
