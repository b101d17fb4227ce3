/** Where a port listens. An empty host means all interfaces. */
export interface ListenOn {
  readonly host: string;
  readonly port: number;
}

/** Paths of PEM files. Absent when no flag names one. */
export interface TlsFileNames {
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly caFile: string | undefined;
}

/** Paths of PEM files from the flags' texts. */
export function tlsFileNames(certFile: string, keyFile: string, caFile: string): TlsFileNames {
  const named = (text: string): string | undefined => (text === '' ? undefined : text);
  return { certFile: named(certFile), keyFile: named(keyFile), caFile: named(caFile) };
}
