import { type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js';
import type { CommitResponse__Output } from '../../../wire/gen/konnsim/store/v1/CommitResponse.js';
import type { FollowResponse__Output } from '../../../wire/gen/konnsim/store/v1/FollowResponse.js';
import type { StoreClient } from '../../../wire/gen/konnsim/store/v1/Store.js';
import { storeService } from '../../../wire/grpc/proto.js';
import { secureChannel } from '../../../wire/net/secure-channel.js';
import type { TlsFiles } from '../../../wire/net/tls.js';
import { transportText } from '../../../wire/net/transport-text.js';
import type { Commit } from '../commit.js';
import { encodeCommit } from './messages.js';

/** etcd's own limit for a write: `--election-timeout` of 1 s, twice, and 5 s for the disk. */
export const requestTimeoutMs = 7000;
/** etcd's text when it could not finish in time. */
export const timedOut = 'etcdserver: request timed out';

/** One connection to a store. It lasts until the first failure. */
export class StoreCall {
  private readonly address: string;
  private readonly client: StoreClient;
  private following: ClientReadableStream<FollowResponse__Output> | undefined;

  constructor(address: string, tls: TlsFiles) {
    this.address = address;
    const { secure, options } = secureChannel(address, tls, { timeMs: 5000, timeoutMs: 3000 });
    this.client = new (storeService())(address, secure, options);
  }

  follow(run: string, revision: number): ClientReadableStream<FollowResponse__Output> {
    this.following = this.client.Follow({ run, revision });
    return this.following;
  }

  /** Rejects with an Error in the words of a kube-apiserver. */
  commit(commit: Commit): Promise<CommitResponse__Output> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + requestTimeoutMs;
      this.client.Commit(encodeCommit(commit), { deadline }, (failure, answer) => {
        if (answer !== undefined) resolve(answer);
        else reject(new Error(failureText(failure, this.address)));
      });
    });
  }

  /** Undefined when the answer takes too long. */
  readRevision(timeoutMs: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const deadline = Date.now() + timeoutMs;
      this.client.ReadRevision({}, { deadline }, (_failure, answer) =>
        resolve(answer === undefined ? undefined : Number(answer.revision)),
      );
    });
  }

  /** Also ends the Follow. */
  close(): void {
    this.following?.cancel();
    this.client.close();
  }
}

/** A failed call to the store, in grpc-go's words for a failed call to etcd. */
export function failureText(failure: ServiceError | null, address: string): string {
  const { code = status.UNKNOWN, details = '' } = failure ?? {};
  if (code === status.DEADLINE_EXCEEDED) return timedOut;
  if (code !== status.UNAVAILABLE && code !== status.CANCELLED) return details;
  const text = transportText(details);
  const reason = /: (connect: .+)$/.exec(text)?.[1];
  const cause =
    reason === undefined
      ? `error reading from server: ${text}`
      : `connection error: desc = "transport: Error while dialing: dial tcp ${address}: ${reason}"`;
  return `rpc error: code = Unavailable desc = ${cause}`;
}
