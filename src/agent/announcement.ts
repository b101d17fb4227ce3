import type { IncomingHttpHeaders } from 'node:http2';
import type { Timer } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { faithfulSet } from '../core/faithful.js';
import { valuesOf } from '../wire/carrier/call-headers.js';
import { unreachableCode } from '../wire/net/transport-text.js';
import type { AgentOptions } from './options.js';

/** The ID of a server, and the number of servers that it announced. */
export interface ServerIdentity {
  readonly serverId: string;
  readonly serverCount: number;
}

type AnnouncementOptions = Pick<
  AgentOptions,
  'clock' | 'connectTimeoutMs' | 'server' | 'name' | 'as' | 'faithful'
>;

/** The wait for `serverid` and `servercount` has a limit: a silent server must not stop the search for others. */
export class Announcement {
  readonly promise: Promise<ServerIdentity>;
  /** Set as soon as it was received, before `promise` resolves. */
  identity: ServerIdentity | undefined;
  private settle: { resolve: (identity: ServerIdentity) => void; reject: (error: Error) => void };
  private readonly timer: Timer | undefined;
  private readonly where: string;

  constructor(options: AnnouncementOptions) {
    const { clock, connectTimeoutMs, server, name } = options;
    this.where = `agent/${name} → ${server}`;
    this.settle = { resolve: () => undefined, reject: () => undefined };
    this.promise = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    // Callers of `promise` get the rejection. Without a caller it must not end the process.
    this.promise.catch(() => undefined);
    if (faithfulSet(options).has('silent-server-hangs')) return;
    this.timer = clock.after(connectTimeoutMs, () => this.fail('the server does not announce itself'));
  }

  receive(headers: IncomingHttpHeaders): void {
    const read = readIdentity(valuesOf(headers, 'serverid'), valuesOf(headers, 'servercount'));
    if (typeof read === 'string') {
      this.fail(read);
      return;
    }
    this.timer?.cancel();
    this.identity = read;
    this.settle.resolve(read);
  }

  fail(text: string): void {
    this.timer?.cancel();
    this.settle.reject(new TunnelError(unreachableCode(text, true), text, { where: this.where }));
  }
}

/** The identity, or Konnectivity's text for a wrong one. */
function readIdentity(ids: readonly string[], counts: readonly string[]): ServerIdentity | string {
  const [serverId] = ids;
  const [count] = counts;
  if (serverId === undefined || ids.length !== 1) {
    return `expected one server ID in the context, got [${ids.join(' ')}]`;
  }
  if (count === undefined || counts.length !== 1) return `expected one server count, got ${counts.length}`;
  if (!/^[+-]?\d+$/.test(count)) return `strconv.Atoi: parsing ${JSON.stringify(count)}: invalid syntax`;
  return { serverId, serverCount: Number(count) };
}
