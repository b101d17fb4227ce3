/** PEM texts and checks of one TLS connection to an API. */
export interface KubeTls {
  /** Whom to believe; the system's authorities when absent. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** What the server's certificate must bear when it is not the host of the address. */
  readonly serverName?: string;
  /** True believes any certificate. */
  readonly insecure?: boolean;
}

/** How to reach a Kubernetes API and prove who one is. Asked for each request: tokens and certificates are renewed. */
export interface KubeAccess {
  /** `https://host:port`, perhaps with a path. */
  readonly server: URL;
  /** May throw FILE_UNREADABLE. */
  readonly tls: () => KubeTls;
  /** Who asks: `authorization`, impersonation. May throw FILE_UNREADABLE. */
  readonly headers: () => Readonly<Record<string, string | readonly string[]>>;
}
