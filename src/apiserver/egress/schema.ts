import { z } from 'zod';

const text = z.string().nullish();
const tlsConfig = z.strictObject({ caBundle: text, clientKey: text, clientCert: text, tlsServerName: text });
const tcp = z.strictObject({ url: text, tlsConfig: tlsConfig.nullish() });
const uds = z.strictObject({ udsName: text });
const transport = z.strictObject({ tcp: tcp.nullish(), uds: uds.nullish() });
const connection = z.strictObject({ proxyProtocol: text, transport: transport.nullish() });
const egressSelection = z.strictObject({ name: text, connection: connection.nullish() });

/** The same in v1alpha1 and v1beta1. Unknown fields are errors, as in kube-apiserver. */
export const egressFileSchema = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  egressSelections: z.array(egressSelection).nullish(),
});

export type EgressTransport = z.infer<typeof transport>;
export type EgressTcp = z.infer<typeof tcp>;
export type EgressTls = z.infer<typeof tlsConfig>;

/** One entry of the file; `name` and `proxyProtocol` are empty when absent, as in Go. */
export interface EgressSelection {
  readonly name: string;
  readonly proxyProtocol: string;
  readonly transport: EgressTransport | undefined;
}

export interface EgressConfiguration {
  readonly selections: readonly EgressSelection[];
}
