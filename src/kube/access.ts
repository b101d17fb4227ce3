export interface KubeTls {
  /** The CAs to trust, PEM. Default: the CAs of the system. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate must have, when it is not the host of the address. */
  readonly serverName?: string;
  readonly insecure?: boolean;
}

/** How to reach a Kubernetes API. Read again for each request: tokens and certificates are renewed. */
export interface KubeAccess {
  /** `https://host:port`, with or without a path. */
  readonly server: URL;
  /** May throw FILE_UNREADABLE. */
  readonly tls: () => KubeTls;
  /** The client's credentials: `authorization`, impersonation. May throw FILE_UNREADABLE. */
  readonly headers: () => Readonly<Record<string, string | readonly string[]>>;
}
