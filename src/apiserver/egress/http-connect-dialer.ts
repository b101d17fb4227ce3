import { resolve } from 'node:path';
import { TunnelError } from '../../core/errors.js';
import { readTextSync } from '../../pki/read-files.js';
import type { Dialer } from '../../wire/client/dialer.js';
import {
  HttpConnectClient,
  type HttpConnectClientSettings,
  type HttpConnectTls,
} from '../../wire/client/http-connect-client.js';
import { checkTlsFiles } from '../../wire/net/tls.js';
import { goErrorText } from '../kubelet/go-errors.js';
import type { ClosableDialer, EgressContext } from './context.js';
import type { EgressTcp, EgressTls } from './schema.js';

/** `HTTPConnect` over a Unix socket. */
export function createUdsConnectDialer(udsName: string, context: EgressContext): ClosableDialer {
  return inKubeWords({ ...settingsOf(context), address: `unix://${resolve(udsName)}` }, '');
}

/**
 * `HTTPConnect` over TCP. kube-apiserver uses it only with TLS: an `http://` URL passes its validation, but makes its
 * start fail. Throws an Error with its text for files that cannot be used.
 */
export function createTcpConnectDialer(
  { url, tlsConfig }: EgressTcp,
  context: EgressContext,
): ClosableDialer {
  if (!tlsConfig) throw new Error('tlsConfig must be set: HTTPConnect over TCP is dialled with TLS alone');
  const address = hostOf(url ?? '');
  const serverName = tlsConfig.tlsServerName ?? '';
  const settings = { ...settingsOf(context), address, tls: readTls(tlsConfig, context.name) };
  const name = serverName === '' ? address.replace(/:\d*$/, '').replace(/^\[|\]$/g, '') : serverName;
  return inKubeWords(serverName === '' ? settings : { ...settings, tlsServerName: serverName }, name);
}

function settingsOf(context: EgressContext): Omit<HttpConnectClientSettings, 'address'> {
  return context.faithful.has('connect-answer-unbounded') ? { ...context, dialTimeoutMs: 0 } : context;
}

/** `name` is the name that the server's certificate must have. */
function inKubeWords(settings: HttpConnectClientSettings, name: string): ClosableDialer {
  const client = new HttpConnectClient(settings);
  const dial: Dialer['dial'] = async (host, port, options) => {
    try {
      return await client.dial(host, port, options);
    } catch (caught) {
      const error = TunnelError.from(caught);
      const { code, where, hint, cause } = error;
      if (code !== 'TLS_REJECTED' || cause === undefined) throw error;
      const more = { hint, cause: error, ...(where === undefined ? {} : { where }) };
      throw new TunnelError(code, goErrorText(cause, name), more);
    }
  };
  return { dial, close: () => client.close() };
}

/** Host and port from the URL. Without a port every dial fails, as in Go. */
function hostOf(url: string): string {
  const authority = /^https?:\/\/([^/?#]*)/.exec(url)?.[1] ?? '';
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (host === '' || !URL.canParse(url)) throw new Error(`invalid proxy server url ${JSON.stringify(url)}`);
  return host;
}

function readTls({ caBundle, clientCert, clientKey }: EgressTls, where: string): HttpConnectTls {
  const [certFile, keyFile] = [clientCert ?? '', clientKey ?? ''];
  const pair = inOther(`failed to read key pair ${certFile} & ${keyFile}`, () => {
    const read = { cert: readTextSync(certFile), key: readTextSync(keyFile) };
    checkTlsFiles(read, where);
    return read;
  });
  if (!caBundle) return pair;
  const ca = inOther(`failed to read cert file ${caBundle}`, () => readTextSync(caBundle));
  try {
    checkTlsFiles({ ...pair, ca }, where);
  } catch (cause) {
    throw new Error('failed to append CA cert to the cert pool', { cause });
  }
  return { ...pair, ca };
}

/** Adds to an error what failed, as kube-apiserver does: `…, got REASON`. */
function inOther<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${what}, got ${reason}`, { cause });
  }
}
