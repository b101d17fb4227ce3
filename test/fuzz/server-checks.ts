import type { ServerState } from '../../src/core/server/machine.js';
import type { Backend, Connection, Frontend } from '../../src/core/server/state.js';

export interface ServerView {
  readonly state: ServerState;
  /** Counts as the observer was told. */
  readonly told: { readonly pendingDials: number; readonly established: number };
  readonly frontends: readonly Frontend[];
  readonly backends: readonly Backend[];
  /** Streams that ended since the last look. */
  readonly gone: readonly (Frontend | Backend)[];
}

function same(what: string, ...counts: readonly number[]): void {
  if (new Set(counts).size > 1) throw new Error(`${what} are counted as ${counts.join(', ')}`);
}

function must(holds: boolean, text: string): void {
  if (!holds) throw new Error(text);
}

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

/** Throws unless all tables of a server machine tell the same story, and none names a stream that is gone. */
export function checkServer({ state, told, frontends, backends, gone }: ServerView): void {
  const connections = backends.flatMap((backend) => [...backend.connections.values()]);
  const established = connections.filter(({ kind }) => kind === 'established');
  const dials = backends.flatMap((backend) => [...backend.dials.values()]);
  const sizes = (of: (frontend: Frontend) => number): number => sum(frontends.map(of));
  same('frontends', state.frontends, frontends.length);
  same('backends', state.backends, backends.length);
  same('dials', ...[state.pendingDials, told.pendingDials, dials.length, sizes((f) => f.dials.size)]);
  same('connections', ...[state.established, told.established], ...[established.length, sizes(openOf)]);
  for (const { from, to } of dials) {
    must(frontends.includes(from) && backends.includes(to), 'a dial belongs to a stream that is gone');
  }
  for (const connection of established) checkConnection(connection, frontends);
  for (const { dials: left, connections: open } of gone) {
    must(left.size + open.size === 0, 'a stream that is gone keeps something');
  }
}

const openOf = (frontend: Frontend): number => frontend.connections.size;

function checkConnection(connection: Connection, frontends: readonly Frontend[]): void {
  const { from } = connection.dial;
  must(frontends.includes(from), 'a connection belongs to a frontend that is gone');
  must(from.connections.get(connection.connectId) === connection, 'a connection is known to one side alone');
  must(connection.connectId !== 0n, 'a connection has no ID');
}
