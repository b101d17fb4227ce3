import {
  credentials,
  loadPackageDefinition,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProtoGrpcType as AgentProto } from '../../src/wire/gen/agent.js';
import type { ProtoGrpcType as ClientProto } from '../../src/wire/gen/client.js';
import type { Packet__Output } from '../../src/wire/gen/Packet.js';
import { protoFolder } from '../../src/wire/grpc/proto.js';
import type { TlsFiles } from '../../src/wire/net/tls.js';
import { PeerCall } from './peer-call.js';
import { soon } from './waits.js';

/** The messages as proto-loader makes them, with 64-bit numbers as text. */
export type StockPacket = Packet__Output;
export type StockServerCall = ServerDuplexStream<StockPacket, object>;

const options = { longs: String, enums: String, oneofs: true, includeDirs: [protoFolder] };
const { AgentService } = loadPackageDefinition(loadSync('agent.proto', options)) as unknown as AgentProto;
const { ProxyService } = loadPackageDefinition(loadSync('client.proto', options)) as unknown as ClientProto;

const stubs = { Connect: AgentService, Proxy: ProxyService } as const;
export type StockMethod = keyof typeof stubs;

/** A call of grpc-js and proto-loader, as they come from the registry. */
export class StockCall extends PeerCall<object, StockPacket> {
  readonly received: StockPacket[] = [];

  constructor(
    method: StockMethod,
    to: { address: string; tls?: TlsFiles },
    fields: Record<string, string> = {},
  ) {
    const { address, tls } = to;
    const pem = (text: string | undefined): Buffer => Buffer.from(text ?? '');
    const secure = tls && credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert));
    const Stub = stubs[method] as unknown as ServiceClientConstructor;
    const client = new Stub(address, secure ?? credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.ssl_target_name_override': 'localhost',
    });
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(fields)) metadata.set(key, value);
    const { path, requestSerialize, responseDeserialize } = Stub.service[method] as MethodDefinition<
      object,
      StockPacket
    >;
    super(client, client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, {}));
    this.call.on('data', (packet: StockPacket) => this.received.push(packet));
  }
}

export interface StockServer {
  readonly address: string;
  close(): Promise<void>;
}

/** A server of grpc-js and proto-loader with these methods. */
export async function startStockServer(
  methods: Partial<Record<StockMethod, (call: StockServerCall) => void>>,
  tls?: TlsFiles,
): Promise<StockServer> {
  const server = new Server();
  for (const [method, serve] of Object.entries(methods)) {
    server.addService(stubs[method as StockMethod].service, {
      [method]: (call: StockServerCall) => {
        call.on('error', () => undefined);
        serve(call);
      },
    });
  }
  const pair = tls && { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) };
  const secure = pair && ServerCredentials.createSsl(Buffer.from(tls.ca), [pair], true);
  const port = await soon<number>((resolve, reject) => {
    const bound = (error: Error | null, port: number): void => (error ? reject(error) : resolve(port));
    server.bindAsync('127.0.0.1:0', secure ?? ServerCredentials.createInsecure(), bound);
  }, 'port of the stock server');
  return {
    address: `127.0.0.1:${port}`,
    close: () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}
