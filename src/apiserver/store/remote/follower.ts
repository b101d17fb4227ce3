import { type ServerWritableStream, status } from '@grpc/grpc-js';
import type { FollowRequest__Output } from '../../../wire/gen/konnsim/store/v1/FollowRequest.js';
import type { FollowResponse } from '../../../wire/gen/konnsim/store/v1/FollowResponse.js';
import type { ObjectState } from '../object-state.js';
import type { Snapshot, Step } from '../step.js';
import { encodeObject, encodeStep, messageBytes } from './messages.js';
import type { StoreRuns } from './store-runs.js';

export type FollowCall = ServerWritableStream<FollowRequest__Output, FollowResponse>;

/** Waiting messages for a slow replica. One that falls further behind starts again with a whole list. */
const maxWaiting = 10_000;

/** One connected replica: it gets what it lacks, then every step. */
export class Follower {
  private readonly call: FollowCall;
  private readonly state: ObjectState;
  private readonly runs: StoreRuns;
  private waiting: FollowResponse[] = [];
  private blocked = false;

  constructor(call: FollowCall, state: ObjectState, runs: StoreRuns) {
    this.call = call;
    this.state = state;
    this.runs = runs;
  }

  /** Resolves when the replica has left. */
  serve(): Promise<void> {
    const { call, state } = this;
    call.on('error', () => undefined);
    call.on('drain', () => {
      this.blocked = false;
      this.flush();
    });
    this.begin();
    const unsubscribe = state.subscribe((step) => step !== undefined && this.tell(step));
    return new Promise((resolve) => {
      const leave = (): void => {
        unsubscribe();
        this.waiting = [];
        resolve();
      };
      call.once('close', leave);
      call.once('cancelled', leave);
    });
  }

  private begin(): void {
    const { run, revision } = this.call.request;
    const from = Number(revision);
    const missing = this.runs.continues(run, from) ? this.state.stepsAfter(from) : 'forgotten';
    if (missing === 'forgotten') return this.list(this.state.snapshot());
    this.push({ run: this.runs.current, revision: from });
    for (const step of missing) this.tell(step);
  }

  private list({ revision, objects }: Snapshot): void {
    let batch: Buffer[] = [];
    let sizeBytes = 0;
    this.push({ run: this.runs.current, listing: true });
    for (const object of objects) {
      const bytes = encodeObject(object);
      batch.push(bytes);
      sizeBytes += bytes.length;
      if (sizeBytes < messageBytes) continue;
      this.push({ objects: batch });
      batch = [];
      sizeBytes = 0;
    }
    this.push({ objects: batch, listed: true, revision });
  }

  private tell(step: Step): void {
    this.push({ revision: step.revision, changes: [encodeStep(step)] });
  }

  private push(message: FollowResponse): void {
    this.waiting.push(message);
    this.flush();
    if (this.waiting.length <= maxWaiting) return;
    this.waiting = [];
    const details = 'the follower reads too slowly';
    this.call.destroy(Object.assign(new Error(details), { code: status.RESOURCE_EXHAUSTED, details }));
  }

  private flush(): void {
    while (!this.blocked) {
      const message = this.waiting.shift();
      if (message === undefined) return;
      this.blocked = !this.call.write(message);
    }
  }
}
