import type { Clock } from '../../core/clock.js';
import type { EventSink } from '../../core/events.js';
import type { FaithfulSet } from '../../core/faithful.js';
import type { Random } from '../../core/random.js';
import type { Dialer } from '../../wire/client/dialer.js';

export interface EgressContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  readonly packetEvents?: boolean;
  /** Ends the wait for a configuration that comes through a pipe. */
  readonly signal?: AbortSignal;
  /** The behaviours of kube-apiserver to have. */
  readonly faithful: FaithfulSet;
  /** Offers flow control for each connection to proxy-servers. Default false. */
  readonly flowControl?: boolean;
  /** The dialling part, in events: `apiserver/main`. */
  readonly name: string;
  /** The dialled part, in events: `server/proxy-server`. */
  readonly serverName: string;
}

export interface ClosableDialer extends Dialer {
  close(): Promise<void>;
}
