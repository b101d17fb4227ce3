/** What a connection wants of the endpoint, by its first byte. */
export const modes = { upload: 0x55, download: 0x44, echo: 0x45 } as const;

/** The endpoint's counts since its beginning. */
export interface EndpointCounts {
  readonly receivedBytes: number;
  readonly atMs: number;
  /** Connections that are open. */
  readonly open: number;
}
