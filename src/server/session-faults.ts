import type { FaultPoints } from '../links/fault-points.js';
import type { TunnelListenerOptions } from '../wire/carrier/tunnel-listener.js';

/** What faults do to the HTTP/2 connections of a server with these peers. */
export function sessionFaults(
  faults: FaultPoints,
  peers: 'agents' | 'frontends',
): Pick<TunnelListenerOptions, 'isPingLost' | 'opened'> {
  const isOurs = (settings: { readonly peers: string }): boolean => settings.peers === peers;
  const about = (peer: string) => ({ text: `a connection of ${peers}${peer === '' ? '' : `, ${peer}`}` });
  return {
    isPingLost: (peer) => faults.meet('losePings', about(peer), isOurs) !== undefined,
    opened(session) {
      const goaway = faults.offer(
        'goaway',
        ({ code, text }) => {
          session.goaway(code, text);
          return undefined;
        },
        about(session.peer),
        isOurs,
      );
      if (peers === 'agents') return goaway;
      const limit = faults.offer(
        'maxStreams',
        ({ count }) => {
          session.limitCalls(count);
          return () => session.limitCalls();
        },
        about(session.peer),
      );
      return () => {
        goaway();
        limit();
      };
    },
  };
}
