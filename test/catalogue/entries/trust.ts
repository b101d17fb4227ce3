import type { FaultDocument } from '../../../src/index.js';
import type { Entry, TestedEntry } from '../entry.js';

/** Open connections go on, so that nothing is seen until they are cut. */
const reconnect: FaultDocument = { on: { from: 'agent/*', to: 'server/*' }, do: 'reset' };

/** The agents cannot connect any more, for the reason that this event has. */
const seen = (error: RegExp): Pick<TestedEntry, 'says' | 'journal'> => ({
  says: 'No agent available',
  journal: { kind: 'agent.retry', node: 'agent/node-1', error },
});

const noTrust = /do both ends speak TLS and trust each other/;

export const trustFaults: readonly Entry[] = [
  {
    id: 'T1',
    title: 'The agent’s certificate has expired, which its next reconnect finds',
    inject: [{ on: { part: 'agent/*' }, do: { certificate: { is: 'expired' } } }, reconnect],
    says: 'No agent available',
    journal: { kind: 'peer.refused', node: 'server/server-1', error: 'client certificate: CERT_HAS_EXPIRED' },
  },
  {
    id: 'T2',
    title: 'The CA was rotated at the server only',
    inject: [{ on: { part: 'server/*' }, do: { trusts: { ca: 'other' } } }, reconnect],
    ...seen(noTrust),
  },
  {
    id: 'T3',
    title: 'The server’s certificate is for another name',
    inject: [{ on: { part: 'server/*' }, do: { certificate: { is: 'otherName' } } }, reconnect],
    ...seen(/x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs/),
  },
  {
    id: 'T4',
    title: 'The agent’s CA file is cut off',
    inject: [{ on: { part: 'agent/*' }, do: { trusts: { ca: 'malformed' } } }, reconnect],
    ...seen(/the CA ends in the middle of a certificate/),
  },
  {
    id: 'T5',
    title: 'The clock of a node is an hour slow',
    inject: [{ on: { part: 'agent/*' }, do: { clock: { offset: '-1h' } } }, reconnect],
    ...seen(/x509: certificate has expired or is not yet valid: current time \S+Z is before \S+Z/),
  },
  {
    id: 'T6',
    title: 'A token is not valid yet, because the clock of the API server is slow',
    lab: { agentTokens: true },
    inject: [{ on: { part: 'apiserver/*' }, do: { clock: { offset: '-1h' } } }, reconnect],
    ...seen(/service account token is not valid yet/),
  },
  {
    id: 'T7',
    title: 'The server does not speak of HTTP/2 by ALPN',
    inject: [{ on: { part: 'server/*' }, do: { tls: { alpn: 'none' } } }, reconnect],
    ...seen(/credentials: cannot check peer: missing selected ALPN property/),
  },
  {
    id: 'T8',
    title: 'Agent and server have no TLS version in common',
    inject: [
      { on: { part: 'server/*' }, do: { tls: { version: 'TLSv1.3' } } },
      { on: { part: 'agent/*' }, do: { tls: { version: 'TLSv1.2' } } },
      reconnect,
    ],
    ...seen(/remote error: tls: protocol version not supported/),
  },
  {
    id: 'A11',
    title: 'The agent’s token is for another audience',
    lab: { agentTokens: true },
    inject: [{ on: { part: 'agent/*' }, do: { token: { is: 'otherAudience' } } }, reconnect],
    ...seen(/token audiences \["system:elsewhere"\] is invalid for the target audiences/),
  },
];
