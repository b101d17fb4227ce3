import { TunnelError } from '../core/errors.js';
import type { Lab } from '../lab/lab.js';
import type { Route } from './route.js';

/** What routes share. */
export interface ControlContext {
  readonly lab: Lab;
  /** Aborted when the API stops. */
  readonly stopped: AbortSignal;
  /** True when every caller has shown a token. */
  readonly isPrivate: boolean;
  /** Answers that are open for long: streams and waits. */
  readonly held: Places;
  /** Requests of users under way. */
  readonly working: Places;
}

/** Makes the routes of one kind of resource. */
export type RoutesOf = (context: ControlContext) => readonly Route[];

/** A bounded number of places. */
export class Places {
  private readonly most: number;
  private readonly what: string;
  private taken = 0;

  constructor(most: number, what: string) {
    this.most = most;
    this.what = what;
  }

  /** Takes a place. Call the returned function to leave it. Throws TOO_MANY_REQUESTS. */
  take(): () => void {
    if (this.taken >= this.most) {
      throw new TunnelError('TOO_MANY_REQUESTS', `there are ${this.most} ${this.what} already`, {
        hint: 'End one of them first.',
      });
    }
    this.taken += 1;
    let isTaken = true;
    return () => {
      if (isTaken) this.taken -= 1;
      isTaken = false;
    };
  }

  /** Holds a place while `work` runs. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const leave = this.take();
    try {
      return await work();
    } finally {
      leave();
    }
  }
}
