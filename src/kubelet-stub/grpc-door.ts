import type { TLSSocket } from 'node:tls';
import {
  type ConnectionInjector,
  status as grpcStatus,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, service as healthService } from 'grpc-health-check';
import { TunnelError } from '../core/errors.js';
import { CallBounds } from '../wire/grpc/call-bounds.js';
import { kubeletService, protoDefinition } from '../wire/grpc/proto.js';
import { requestKey, statusFromError } from '../wire/net/grpc-status.js';
import type { Verdict } from './auth/access-control.js';
import { attributesOf } from './auth/attributes.js';
import { connectionKey, type PeerIdentity } from './auth/peer-identity.js';
import type { NodeAttributes } from './auth/user.js';
import type { DoorContext } from './door-context.js';
import { commandHandler } from './grpc-exec.js';
import { logsHandler } from './grpc-logs.js';
import { listPodsHandler } from './grpc-pods.js';
import { portForwardHandler } from './grpc-port-forward.js';
import { bearerToken } from './http-credentials.js';
import { judgeRequest } from './judge-request.js';
import { type RequestSubject, traceRequest } from './request-trace.js';

/** How long a connection may have no calls (as for HTTP/1.1), ms. */
const idleTimeoutMs = 90_000;

let reflection: ReflectionService | undefined;

/** Describes our service and the health service. It takes milliseconds to make, so that all kubelets share one. */
function reflectionService(): ReflectionService {
  const health = { 'grpc.health.v1.HealthCheckRequest': healthService.Check?.requestType };
  // The health package has its own loader, whose types differ in name only.
  const described = { ...protoDefinition('kubelet.proto'), ...health } as unknown as PackageDefinition;
  reflection ??= new ReflectionService(described);
  return reflection;
}

export interface GrpcDoor {
  /** Takes over a TLS socket whose ALPN is `h2`. */
  accept(socket: TLSSocket): void;
  close(): void;
}

/** Lets authorized calls through and ends all others with the reason. */
function clientGuard(context: DoorContext, peers: ReadonlyMap<string, PeerIdentity>): ServerInterceptor {
  return (method, call) => {
    const { remoteAddress, remotePort } = call.getConnectionInfo();
    const certificate = peers.get(connectionKey(remoteAddress, remotePort)) ?? closedConnection;
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, proceed) => {
            const credentials = {
              certificate,
              token: bearerToken(metadata.get('authorization')[0]?.toString()),
            };
            void judgeRequest(context, credentials, methodAttributes(method.path)).then((verdict) => {
              const request = metadata.get(requestKey)[0]?.toString();
              const subject = { verb: 'get', path: method.path, protocol: 'grpc', request };
              if (verdict.kind === 'refused') return refuse(context, call, subject, verdict);
              proceed(metadata);
            });
          },
        }),
    });
  };
}

const closedConnection: PeerIdentity = {
  kind: 'stranger',
  reason: 'the connection is closed',
  isAbsent: false,
};

function refuse(
  context: DoorContext,
  call: ServerInterceptingCallInterface,
  subject: RequestSubject,
  { status, reason }: Extract<Verdict, { kind: 'refused' }>,
): void {
  traceRequest(context, { ...subject, peer: call.getPeer() }).failed(reason, { status });
  const code = status === 401 || status === 403 ? 'UNAUTHORIZED' : 'BAD_REQUEST';
  const refusal = statusFromError(new TunnelError(code, reason, { where: context.node }));
  call.sendStatus({ ...refusal, code: grpcStatuses[status] ?? refusal.code });
}

const grpcStatuses: Readonly<Record<number, grpcStatus>> = {
  403: grpcStatus.PERMISSION_DENIED,
  405: grpcStatus.UNIMPLEMENTED,
  500: grpcStatus.INTERNAL,
  503: grpcStatus.UNAVAILABLE,
};

/** The attributes of the HTTP path that does the same. */
function methodAttributes(path: string): NodeAttributes {
  const [, service, method] = path.split('/');
  if (service !== 'konnsim.kubelet.v1.Kubelet') return attributesOf('GET', '/healthz');
  switch (method) {
    case 'ListPods':
      return attributesOf('GET', '/pods');
    case 'Logs':
      return attributesOf('GET', '/containerLogs');
    default:
      return attributesOf('POST', '/exec');
  }
}

function addServices(server: Server, context: DoorContext): void {
  server.addService(kubeletService().service, {
    Exec: commandHandler(context, 'exec'),
    Attach: commandHandler(context, 'attach'),
    PortForward: portForwardHandler(context),
    Logs: logsHandler(context),
    ListPods: listPodsHandler(context),
  });
  const serving = { '': 'SERVING', 'konnsim.kubelet.v1.Kubelet': 'SERVING' } as const;
  new HealthImplementation(serving).addToServer(server);
  reflectionService().addToServer(server);
}

/** Serves the kubelet's gRPC API, health and reflection on sockets that the caller accepted. */
export function createGrpcDoor(context: DoorContext): GrpcDoor {
  const peers = new Map<string, PeerIdentity>();
  const bounds = new CallBounds({ clock: context.clock, firstCallMs: idleTimeoutMs, idleMs: idleTimeoutMs });
  // Made for the first client: most kubelets of a large lab never have one, and a server takes milliseconds to make.
  let made: { readonly server: Server; readonly injector: ConnectionInjector } | undefined;
  return {
    accept(socket) {
      const key = connectionKey(socket.remoteAddress, socket.remotePort);
      peers.set(key, context.identify(socket));
      socket.once('close', () => peers.delete(key));
      bounds.watch(socket);
      made ??= createInjectedServer(context, [bounds.interceptor, clientGuard(context, peers)]);
      made.injector.injectConnection(socket);
    },
    close: () => made?.server.forceShutdown(),
  };
}

function createInjectedServer(
  context: DoorContext,
  interceptors: ServerInterceptor[],
): { readonly server: Server; readonly injector: ConnectionInjector } {
  const server = new Server({
    'grpc.enable_channelz': 0,
    // After a client's protocol error node:http2 does not notice the end of the connection; keepalive does.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 20_000,
    interceptors,
  });
  addServices(server, context);
  // The socket has done TLS already, so the gRPC server behind it is a plain one.
  return { server, injector: server.createConnectionInjector(ServerCredentials.createInsecure()) };
}
