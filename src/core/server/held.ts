import { HeldRounds, roundMs } from '../held-rounds.js';
import { closeRequest } from '../packet.js';
import { type Backend, type Connection, type ServerContext, sendToBackend } from './state.js';

export const onlyAgentText = 'the agent held a connection that the server does not know';
export const onlyServerText = 'the server held a connection that the agent does not know';
export const unansweredText = 'the agent has not answered CLOSE_REQ';

/** The server's questions to one agent stream. */
export function createRounds(context: ServerContext, backend: Backend): HeldRounds<Connection> {
  return new HeldRounds<Connection>({
    clock: context.clock,
    port: backend.port,
    // The table may be shared with other streams of the agent (`key-by-agent-id`).
    connections: () => [...backend.connections.values()].filter(({ dial }) => dial.to === backend),
    bytesOf: ({ toAgentBytes, fromAgentBytes }) => toAgentBytes + fromAgentBytes,
    isOpen: ({ kind }) => kind === 'established',
    send: (packet) => sendToBackend(context, backend, packet),
    notOpen: (connection) => closeAgain(context, connection),
  });
}

/** The CLOSE_REQ or its answer was lost. The agent answers again, whether it holds the connection or not (R18, R33). */
function closeAgain(context: ServerContext, connection: Connection): void {
  const { connectId, closingAt, dial } = connection;
  const now = context.clock.now();
  if (now - closingAt < roundMs) return;
  connection.closingAt = now;
  context.observer.connectionStale(dial.to.name, connectId, unansweredText);
  sendToBackend(context, dial.to, closeRequest(connectId));
}
