import { sendText } from '../http/respond.js';
import type { Exchange } from '../request/exchange.js';
import type { Facade } from '../serving/facade.js';

/** `ok`, or 500 with all checks, without the reasons as in kube-apiserver. `?verbose` always lists them. */
export function sendHealth({ lifecycle, store }: Facade, { response, segments, query }: Exchange): void {
  const [page = ''] = segments;
  const checks: (readonly [name: string, fails: boolean])[] = [
    ['ping', false],
    ['etcd', store.isAway],
    ...(page === 'readyz' ? [['shutdown', lifecycle.isLeaving] as const] : []),
  ];
  const passed = checks.every(([, fails]) => !fails);
  if (passed && !query.has('verbose')) return sendText(response, 'ok');
  const lines = checks.map(([name, fails]) =>
    fails ? `[-]${name} failed: reason withheld` : `[+]${name} ok`,
  );
  const verdict = `${page} check ${passed ? 'passed' : 'failed'}`;
  sendText(response, [...lines, verdict, ''].join('\n'), passed ? 200 : 500);
}
