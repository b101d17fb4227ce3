import type { User } from '../request/exchange.js';
import { tooManyRequests } from '../request/status.js';
import type { RequestLabels } from './api-metrics.js';

/** kube-apiserver's limits without priority and fairness: running requests at one time, 0 for no limit. */
export interface InFlightLimits {
  /** `--max-requests-inflight`: read requests. Default 400. */
  readonly maxRequestsInflight?: number;
  /** `--max-mutating-requests-inflight`: all others. Default 200. */
  readonly maxMutatingRequestsInflight?: number;
}

export const defaultInFlight = { maxRequestsInflight: 400, maxMutatingRequestsInflight: 200 } as const;

/** Call the result at the end. Throws 429 at the limit; never for watches, logs, streams and `system:masters`. */
export type InFlightGate = (request: Pick<RequestLabels, 'isLong' | 'isMutating'>, user: User) => () => void;

const free = (): void => undefined;

export function createInFlightGate(limits: InFlightLimits): InFlightGate {
  const { maxRequestsInflight, maxMutatingRequestsInflight } = { ...defaultInFlight, ...limits };
  const most = { mutating: maxMutatingRequestsInflight, readOnly: maxRequestsInflight };
  const open = { mutating: 0, readOnly: 0 };
  return ({ isLong, isMutating }, user) => {
    const kind = isMutating ? 'mutating' : 'readOnly';
    if (isLong || most[kind] === 0) return free;
    if (open[kind] >= most[kind]) {
      if (user.groups.includes('system:masters')) return free;
      throw tooManyRequests();
    }
    open[kind]++;
    return () => void open[kind]--;
  };
}
