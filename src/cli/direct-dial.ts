import { proxyFor } from '../wire/net/proxy-environment.js';

/** Says on stderr that `what` is dialled directly, where a Go program would use a proxy of the environment. */
export function sayDirect(what: string, host: string, port: number): void {
  if (proxyFor(process.env, host, port) === undefined) return;
  process.stderr.write(`HTTPS_PROXY is not used: ${what} is dialled directly\n`);
}
