import { TunnelError } from '../core/errors.js';
import { readText } from '../pki/read-files.js';
import type { ClientTls, ServerTls } from '../wire/net/tls.js';
import type { TlsFileNames } from './option-types.js';

/** The names of the program's file flags, for errors. */
export interface TlsFlagNames {
  readonly cert: string;
  readonly key: string;
}

/** The paths that are set. */
export function namedFiles({ certFile, keyFile, caFile }: TlsFileNames): readonly string[] {
  return [certFile, keyFile, caFile].filter((name) => name !== undefined);
}

/** A server's pair, and its clients' CA if there is one. Rejects with CONFIG_INVALID or FILE_UNREADABLE. */
export async function readServerTls(names: TlsFileNames, flags: TlsFlagNames): Promise<ServerTls> {
  const { certFile, keyFile, caFile } = names;
  if (certFile === undefined || keyFile === undefined) {
    throw new TunnelError('CONFIG_INVALID', `--${flags.cert} and --${flags.key} must be set`);
  }
  // As Go, which names the certificate when both are missing.
  const cert = await readText(certFile);
  const key = await readText(keyFile);
  return { cert, key, ...(caFile === undefined ? {} : { ca: await readText(caFile) }) };
}

/** The CA that a client trusts, and its pair if it has one. Rejects with CONFIG_INVALID or FILE_UNREADABLE. */
export async function readClientTls({ certFile, keyFile, caFile }: TlsFileNames): Promise<ClientTls> {
  if (caFile === undefined) throw new TunnelError('CONFIG_INVALID', '--ca-cert must be set');
  const ca = await readText(caFile);
  if (certFile === undefined || keyFile === undefined) return { ca };
  return { ca, cert: await readText(certFile), key: await readText(keyFile) };
}
