import { resolve } from 'node:path';
import { agentLostText } from '../../core/dial-texts.js';
import { TunnelError } from '../../core/errors.js';
import type { Dialer } from '../../wire/client/dialer.js';
import { TunnelClient } from '../../wire/client/tunnel-client.js';
import type { ClosableDialer, EgressContext } from './context.js';

/** `GRPC` over a Unix socket. Failures have kube-apiserver's texts. */
export function createGrpcDialer(udsName: string, context: EgressContext): ClosableDialer {
  const client = new TunnelClient({ ...context, address: `unix://${resolve(udsName)}` });
  return { ...kubeDialer(client, udsName), close: () => client.close() };
}

/** Dials through `client`, whose proxy-server listens at `udsName`, and fails in kube-apiserver's words. */
export function kubeDialer(client: Dialer, udsName: string): Dialer {
  return {
    async dial(host, port, options) {
      try {
        return await client.dial(host, port, options);
      } catch (caught) {
        throw inKubeWords(TunnelError.from(caught), udsName);
      }
    },
  };
}

function inKubeWords(error: TunnelError, udsName: string): TunnelError {
  const text = kubeText(error, udsName);
  if (text === undefined) return error;
  const { code, where, hint } = error;
  return new TunnelError(code, text, { hint, cause: error, ...(where === undefined ? {} : { where }) });
}

/**
 * Other texts of a failed dial come from the server or the agent. kube-apiserver tries for 30 s to reach a server,
 * which is why its text is about a deadline; we report at once that the server is not there.
 */
function kubeText({ code, message }: TunnelError, udsName: string): string | undefined {
  if (code === 'TUNNEL_CLOSED') return message === agentLostText ? undefined : 'tunnel closed';
  if (code !== 'SERVER_UNREACHABLE') return undefined;
  const failed = /: (connect: .+)$/.exec(message)?.[1];
  const reason = failed === undefined ? message : `Error while dialing: dial unix ${udsName}: ${failed}`;
  return `context deadline exceeded: connection error: desc = ${JSON.stringify(`transport: ${reason}`)}`;
}
