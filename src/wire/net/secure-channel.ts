import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { splitHostPort } from '../../core/address.js';
import type { TlsFiles } from './tls.js';

/** The arguments of a generated gRPC client: mTLS, and its own connection to one address. */
export function secureChannel(
  address: string,
  tls: TlsFiles,
  keepalive: { readonly timeMs: number; readonly timeoutMs: number },
): { readonly secure: ChannelCredentials; readonly options: ChannelOptions } {
  const host = splitHostPort(address)?.host ?? address;
  const [ca, key, cert] = [tls.ca, tls.key, tls.cert].map((pem) => Buffer.from(pem));
  const secure = credentials.createSsl(ca, key, cert, {
    checkServerIdentity: (_sent, certificate) => checkServerIdentity(host, certificate),
  });
  const options = {
    'grpc.enable_channelz': 0,
    'grpc.use_local_subchannel_pool': 1,
    // A DNS look-up of a TXT record would keep the process alive; networks without internet access never answer it.
    'grpc.service_config_disable_resolution': 1,
    'grpc.keepalive_time_ms': keepalive.timeMs,
    'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
    // The name in the handshake (SNI) cannot be an IP address.
    'grpc.ssl_target_name_override': isIP(host) === 0 ? host : 'localhost',
  };
  return { secure, options };
}
