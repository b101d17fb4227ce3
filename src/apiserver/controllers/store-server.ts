import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { EventSink } from '../../core/events.js';
import { createRandom, type Random } from '../../core/random.js';
import type { CommitRequest__Output } from '../../wire/gen/konnsim/store/v1/CommitRequest.js';
import type { CommitResponse } from '../../wire/gen/konnsim/store/v1/CommitResponse.js';
import type { ReadRevisionResponse } from '../../wire/gen/konnsim/store/v1/ReadRevisionResponse.js';
import { startGrpcListener } from '../../wire/grpc/grpc-listener.js';
import { storeService } from '../../wire/grpc/proto.js';
import type { Renewable, ServerTls } from '../../wire/net/tls.js';
import type { MemoryStore } from '../store/object-store.js';
import { type FollowCall, Follower } from '../store/remote/follower.js';
import { decodeCommit } from '../store/remote/messages.js';
import type { StoreRuns } from '../store/remote/store-runs.js';
import { startControllers } from './controllers.js';

export interface StoreServerOptions {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  readonly tls: ServerTls | Renewable<ServerTls>;
  /** The accepted clients: common names of their certificates. */
  readonly clients: readonly string[];
  readonly store: MemoryStore;
  readonly runs: StoreRuns;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
}

export interface StoreServer {
  /** `host:port`. */
  readonly address: string;
  readonly followers: number;
  close(): Promise<void>;
}

export const storeNode = 'store/store';
const keepaliveTimeMs = 10_000;

/**
 * Serves a store to replicas of the API in other processes, and runs the controllers once for all of them. Rejects with
 * ADDRESS_IN_USE, ADDRESS_UNAVAILABLE or CERT_INVALID.
 */
export async function startStoreServer(options: StoreServerOptions): Promise<StoreServer> {
  const { host, port, tls, clients, store, runs, clock, emit } = options;
  let followers = 0;
  const follow = async (call: FollowCall): Promise<void> => {
    followers++;
    await new Follower(call, store, runs).serve();
    followers--;
  };
  const listener = await startGrpcListener({
    endpoint: { kind: 'tcp', host, port, tls },
    keepaliveTimeMs,
    clock,
    where: storeNode,
    clients,
    refused: ({ peer, error }) => emit({ kind: 'peer.refused', node: storeNode, address: peer, error }),
    serve: (server) =>
      server.addService(storeService().service, {
        Follow: (call: FollowCall) => void follow(call),
        Commit: (
          { request }: ServerUnaryCall<CommitRequest__Output, CommitResponse>,
          answer: sendUnaryData<CommitResponse>,
        ) => commit(store, request, answer),
        ReadRevision: (_call: unknown, answer: sendUnaryData<ReadRevisionResponse>) =>
          answer(null, { revision: store.revision }),
      }),
  });
  const random = createRandom(options.random.below(2 ** 32));
  const controllers = startControllers({ store, clock, random });
  emit({ kind: 'role.started', node: storeNode, address: listener.address });
  return {
    address: listener.address,
    get followers() {
      return followers;
    },
    close: async () => {
      controllers.close();
      await listener.close();
      emit({ kind: 'role.stopped', node: storeNode, address: listener.address });
    },
  };
}

function commit(
  store: MemoryStore,
  request: CommitRequest__Output,
  answer: sendUnaryData<CommitResponse>,
): void {
  try {
    const stored = store.commitNow(decodeCommit(request));
    const objectRevision = stored?.metadata.resourceVersion ?? '0';
    answer(null, { conflict: stored === undefined, revision: store.revision, objectRevision });
  } catch (caught) {
    const { code, message } = TunnelError.from(caught, 'BAD_REQUEST');
    const isFull = code === 'FILE_UNWRITABLE';
    answer({ code: isFull ? status.RESOURCE_EXHAUSTED : status.INVALID_ARGUMENT, details: message });
  }
}
