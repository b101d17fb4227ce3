import type { PacketName } from '../core/events.js';
import type { Http2Code } from './http2-codes.js';

/** Milliseconds of lab time, or Go's duration text: `250ms`, `60s`, `1m30s`. */
export type Duration = number | string;

/** When a fault begins. `now`: at once, and for new connections, until it is removed. */
export type FaultTime =
  | 'now'
  | {
      /** For each connection that carries no byte for so long, in either direction. */
      readonly idleFor: Duration;
    }
  | {
      /** For each connection that is open for so long, also a busy one. */
      readonly age: Duration;
    }
  | {
      /** For each connection that has carried so many bytes in a direction of the fault: exactly so many pass. */
      readonly afterBytes: number;
    }
  | {
      /** For one connection: the nth new one, counted from 1 when the fault is set. */
      readonly connection: number;
    }
  | {
      /**
       * For faults of parts: the nth time that a part could meet it. For `packet`: the nth packet of its type and direction.
       * Counted from 1 when the fault is set.
       */
      readonly nth: number;
    }
  | {
      /** At each later event of this kind, for all connections then open. */
      readonly event: string;
      /** The fields that the event must have. Default: any. */
      readonly fields?: Readonly<Record<string, string | number | boolean>>;
    }
  | {
      /** Again and again after so long, for all connections then open. */
      readonly every: Duration;
    };

/** Faults that have settings. `docs/faults.md` says what each does. */
export interface FaultSettings {
  /** Everything arrives later: by `delay`, and by chance up to `jitter` (default 0) more or less. */
  readonly latency: {
    readonly delay: Duration;
    readonly jitter?: Duration;
    readonly distribution?: 'uniform' | 'normal' | 'pareto';
  };
  /** No more than so many bytes a second pass, in each direction of each connection. */
  readonly rate: { readonly bytesPerSecond: number };
  /** Pieces of at most `size` bytes, each written by itself. */
  readonly slice: { readonly size: number };
  /** Pauses, as TCP shows lost packets: `share` from 0 to 1; `resendAfter` is the first pause, default 200 ms. */
  readonly loss: { readonly share: number; readonly resendAfter?: Duration };
  /** One side is reset, the other hears nothing. Default `told`: `client`, who connected. */
  readonly halfOpen: { readonly told?: 'client' | 'target' };
  /** Ends and resets arrive later. */
  readonly slowClose: { readonly delay: Duration };
  /** The bits of `mask` (default 1) are flipped in one byte of each direction. */
  readonly corrupt: { readonly mask?: number };
  /** A piece larger than `largest` bytes (default 1400) never arrives, and nothing after it. */
  readonly sizeLimit: { readonly largest?: number };
  /** The part waits at most `grace` for what is open, default 30 s. */
  readonly stop: { readonly grace?: Duration };
  /**
   * What an agent's resolver answers for names that fit `name` (a pattern, default all): for `proxy.konnsim`, by which a lab's
   * agents know their servers, and for names that they dial. `deadFirst`: two addresses, the first dead. `stale`: the
   * address of before a move.
   */
  readonly resolver: {
    readonly answer: 'NXDOMAIN' | 'SERVFAIL' | 'timeout' | 'deadFirst' | 'ipv6First' | 'stale';
    readonly name?: string;
  };
  /** What a server tells agents that connect, in place of its own ID and of the number of servers. */
  readonly announce: { readonly serverId?: string; readonly serverCount?: number };
  /** What an agent claims when it connects: its ID, and identifiers such as `ipv4=10.0.1.11&host=node-1`. */
  readonly claim: { readonly agentId?: string; readonly identifiers?: string };
  /** How many dials and connections to endpoints an agent may have at once. */
  readonly descriptors: { readonly limit: number };
  /** What is in place of a server's Unix socket: nothing (`missing`, the default), or one where nobody listens. */
  readonly frontendSocket: { readonly is?: 'missing' | 'stale' };
  /** What becomes of the flows of a target that a balancer has lost. Default `keep`. */
  readonly removeTarget: { readonly flows?: 'keep' | 'drop' | 'reset' | 'fin' };
  /**
   * What becomes of a packet of this `type`, default any: it arrives later by `delay`, so that others overtake it; behind the
   * next packet of the type `past` of its connection or dial, of either direction; or as if it were of connection `connectId`.
   */
  readonly packet: { readonly type?: PacketName } & (
    | { readonly is: 'lost' | 'duplicated' }
    | { readonly is: 'delayed'; readonly delay: Duration }
    | { readonly is: 'heldPast'; readonly past: PacketName }
    | { readonly is: 'renumbered'; readonly connectId: number }
  );
  /** A packet that nobody has sent: larger than gRPC takes, of an unknown type, or DATA of no connection. */
  readonly inject: { readonly packet: 'unknownType' | 'oversized' | 'dataForUnknown' };
  /** The stream is reset with this code of HTTP/2, default `PROTOCOL_ERROR`; `NO_ERROR` closes it without an error. */
  readonly resetStream: { readonly code?: Http2Code };
  /** Packets vanish, and an end whose bytes no one has acknowledged for `giveUpAfter` is told. */
  readonly drop: { readonly giveUpAfter?: Duration };
  /** A server tells its `peers`, default `agents`, that it takes no new streams. Default: `NO_ERROR` without a text. */
  readonly goaway: {
    readonly code?: Http2Code;
    readonly text?: string;
    readonly peers?: 'agents' | 'frontends';
  };
  /** The answers to a part's own pings are lost; those of a server's `peers`, default `agents`. */
  readonly losePings: { readonly peers?: 'agents' | 'frontends' };
  /** How many streams a server takes on one connection of a frontend. More wait at the frontend. */
  readonly maxStreams: { readonly count: number };
  /** A kubelet waits so long before the TLS handshake of a connection (`tls`), or before it looks at a request (`answer`). */
  readonly slow: { readonly at: 'tls' | 'answer'; readonly delay: Duration };
  /** A kubelet refuses requests with this status. Default `text`: the kubelet's. */
  readonly answer: { readonly status: 401 | 403 | 405 | 500 | 503; readonly text?: string };
  /** A part shows a wrong certificate in its next handshakes. Nobody checks the name of an agent's. */
  readonly certificate: { readonly is: 'expired' | 'notYetValid' | 'otherCa' | 'otherName' };
  /** A part trusts another CA than that of its peers, or its CA file is cut off, in its next handshakes. */
  readonly trusts: { readonly ca: 'other' | 'malformed' };
  /**
   * What an agent or a server speaks in its next handshakes: no protocol or another one than `h2` by ALPN (default `h2`);
   * only this version (default TLS 1.2 and 1.3).
   */
  readonly tls: { readonly alpn?: 'none' | 'http/1.1'; readonly version?: 'TLSv1.2' | 'TLSv1.3' };
  /** The clock by which a part judges certificates and tokens is fast by `offset`, or slow when it is negative: `-1h`. */
  readonly clock: { readonly offset: Duration };
  /** An agent shows a wrong token at its next connections. For a lab with the option `agentTokens`. */
  readonly token: { readonly is: 'expired' | 'notYetValid' | 'otherAudience' };
}

/** Faults that need no settings. `docs/faults.md` says what each does. */
export type PlainFault =
  | 'freeze'
  | 'drop'
  | 'expire'
  | 'halfOpen'
  | 'fin'
  | 'reset'
  | 'corrupt'
  | 'sizeLimit'
  | 'refuse'
  | 'synDrop'
  | 'kill'
  | 'forget'
  | 'stop'
  | 'drain'
  | 'mute'
  | 'frontendSocket'
  | 'removeTarget'
  | 'resetStream'
  | 'goaway'
  | 'losePings';

/** What a fault does: its name, or one name with settings, as in `{ latency: { delay: '50ms' } }`. */
export type FaultAction = PlainFault | Partial<FaultSettings>;

/** A fault as data. The same in the library, in files and on the command line. */
export interface FaultDocument {
  /** Its name in events, and to remove it by. Default `fault-1`, `fault-2` … */
  readonly id?: string;
  /**
   * Where it is, as patterns: the links between two parts, those between two groups of parts in both directions, or one
   * part. A fault of links that is on a part is on all links that lead to it or from it. Default: all links.
   */
  readonly on?:
    | { readonly from?: string; readonly to?: string }
    | { readonly between: readonly string[]; readonly and: readonly string[] }
    | { readonly part: string };
  /** Which bytes it changes, and counts. Default both. */
  readonly direction?: 'both' | 'toTarget' | 'toClient';
  /** When it begins. Default `now`. */
  readonly when?: FaultTime;
  /** What it does. */
  readonly do: FaultAction;
  /** How long it stays on once it has begun. Default: until it is removed. */
  readonly for?: Duration;
  /** How many connections, packets or occasions it hits at most. Default: all. */
  readonly limit?: number;
  /** The chance that it hits each of them, from 0 to 1, drawn from the lab's seed. Default 1. */
  readonly probability?: number;
}
