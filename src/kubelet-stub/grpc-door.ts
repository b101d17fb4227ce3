import type { TLSSocket } from 'node:tls';
import {
  type ConnectionInjector,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, service as healthService } from 'grpc-health-check';
import { TunnelError } from '../core/errors.js';
import { createWindowWidener } from '../wire/grpc-internals.js';
import { statusFromError } from '../wire/grpc-status.js';
import { kubeletService, protoDefinition } from '../wire/proto.js';
import type { TunnelCall } from '../wire/tunnel-service.js';
import type { DoorContext } from './door.js';
import { commandHandler } from './grpc-exec.js';
import { logsHandler } from './grpc-logs.js';
import { listPodsHandler } from './grpc-pods.js';
import { portForwardHandler } from './grpc-port-forward.js';
import { connectionKey, identifyPeer, type PeerIdentity } from './peer-identity.js';
import { traceRequest } from './request-trace.js';

/** What one call may have under way towards us: 20 MB/s over a path of 100 ms. */
const windowBytes = 2 * 1024 * 1024;

/** What reflection tells: our service and, by the types of its messages, the health service. */
function describedTypes(): PackageDefinition {
  const health = { 'grpc.health.v1.HealthCheckRequest': healthService.Check?.requestType };
  // The health package brings a loader of its own, whose types differ in name only.
  return { ...protoDefinition('kubelet.proto'), ...health } as unknown as PackageDefinition;
}

/** The `h2` door of a kubelet. */
export interface GrpcDoor {
  /** Takes over a TLS socket whose ALPN is `h2`. */
  accept(socket: TLSSocket): void;
  close(): void;
}

/** Lets calls of known clients through; all others end with UNAUTHENTICATED and the reason. */
function clientGuard(context: DoorContext, peers: ReadonlyMap<string, PeerIdentity>): ServerInterceptor {
  const widen = createWindowWidener(windowBytes);
  return (method, call) => {
    const { remoteAddress, remotePort } = call.getConnectionInfo();
    const identity = peers.get(connectionKey(remoteAddress, remotePort));
    if (identity?.kind === 'client') {
      // An interceptor is handed what a handler's call holds.
      widen({ call } as unknown as TunnelCall);
      return new ServerInterceptingCall(call);
    }
    const reason = identity?.reason ?? 'the connection is closed';
    const text = `Unauthorized: ${reason}`;
    const subject = { verb: 'get', path: method.path, protocol: 'grpc', peer: call.getPeer() };
    traceRequest(context, subject).failed(text);
    const refusal = statusFromError(new TunnelError('UNAUTHORIZED', text, { where: context.node }));
    return new ServerInterceptingCall(call, {
      start: (next) => next({ onReceiveMetadata: () => call.sendStatus(refusal) }),
    });
  };
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
  new ReflectionService(describedTypes()).addToServer(server);
}

/** Serves the kubelet's gRPC API, health and reflection on sockets that somebody else accepted. */
export function createGrpcDoor(context: DoorContext): GrpcDoor {
  const peers = new Map<string, PeerIdentity>();
  const server = new Server({
    'grpc.enable_channelz': 0,
    interceptors: [clientGuard(context, peers)],
  });
  addServices(server, context);
  // The socket has done TLS already, so the server below it is a plain one.
  const injector: ConnectionInjector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    accept(socket) {
      const key = connectionKey(socket.remoteAddress, socket.remotePort);
      peers.set(key, identifyPeer(socket));
      socket.once('close', () => peers.delete(key));
      injector.injectConnection(socket);
    },
    close: () => server.forceShutdown(),
  };
}
