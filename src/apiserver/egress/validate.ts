import { existsSync } from 'node:fs';
import { duplicate, type FieldError, invalidValue, notSupported, required } from '../request/invalid.js';
import type {
  EgressConfiguration,
  EgressSelection,
  EgressTcp,
  EgressTls,
  EgressTransport,
} from './schema.js';

const protocols = ['Direct', 'HTTPConnect', 'GRPC'];
const names = ['cluster', 'controlplane', 'etcd'];
/** Errors name all fields below this path, for every selection, as in kube-apiserver. */
const path = 'service.connection';

/** In kube-apiserver's order and words: rules for transports, then for names. Checks whether TLS files exist. */
export function validateEgressConfiguration({ selections }: EgressConfiguration): readonly FieldError[] {
  return [...selections.flatMap(connectionErrors), ...nameErrors(selections)];
}

function connectionErrors({ proxyProtocol, transport }: EgressSelection): readonly FieldError[] {
  switch (proxyProtocol) {
    case 'Direct':
      return transport === undefined
        ? []
        : [invalidValue(`${path}.transport`, 'direct', 'config must be absent for direct connect')];
    case 'HTTPConnect':
      return httpConnectErrors(transport);
    case 'GRPC':
      return grpcErrors(transport);
    default:
      return [notSupported(`${path}.protocol`, proxyProtocol, protocols)];
  }
}

function httpConnectErrors(transport: EgressTransport | undefined): readonly FieldError[] {
  if (transport === undefined)
    return [required(`${path}.transport`, 'transport must be set for HTTPConnect')];
  const { tcp, uds } = transport;
  if (tcp && uds) return [invalidValue(`${path}.tcp`, tcp, 'TCP and UDS cannot both be set')];
  if (tcp) return tcpErrors(tcp);
  if (uds) return udsErrors(uds.udsName);
  return [required(`${path}.tcp`, 'One of TCP or UDS must be set')];
}

function grpcErrors(transport: EgressTransport | undefined): readonly FieldError[] {
  if (transport === undefined) return [required(`${path}.transport`, 'transport must be set for GRPC')];
  const { uds } = transport;
  return uds ? udsErrors(uds.udsName) : [required(`${path}.uds`, 'UDS must be set with GRPC')];
}

function udsErrors(udsName: string | null | undefined): readonly FieldError[] {
  return udsName ? [] : [invalidValue(`${path}.udsName`, 'nil', 'must be present for UDS connections')];
}

function tcpErrors({ url, tlsConfig }: EgressTcp): readonly FieldError[] {
  if (url?.startsWith('https://')) return tlsErrors(tlsConfig);
  if (!url?.startsWith('http://')) {
    const text = 'supported connection protocols are http:// and https://';
    return [invalidValue(`${path}.url`, url ?? '', text)];
  }
  const extra = 'config must not be present when using HTTP';
  return tlsConfig ? [invalidValue(`${path}.tlsConfig`, 'nil', extra)] : [];
}

function tlsErrors(tls: EgressTls | null | undefined): readonly FieldError[] {
  if (!tls) return [required(`${path}.tlsConfig`, 'TLSConfig must be present when using HTTPS')];
  const { caBundle, clientCert, clientKey } = tls;
  const errors: FieldError[] = [];
  const at = (field: string): string => `${path}.tlsConfig.${field}`;
  const missing = (field: string, file: string, text: string): void => {
    if (!existsSync(file)) errors.push(invalidValue(at(field), file, text));
  };
  if (caBundle) missing('caBundle', caBundle, 'TLS config ca bundle does not exist');
  if (clientCert) missing('clientCert', clientCert, 'TLS client cert does not exist');
  else errors.push(invalidValue(at('clientCert'), 'nil', 'Using TLS requires clientCert'));
  // The doubled word is kube-apiserver's.
  if (clientKey) missing('clientKey', clientKey, 'TLS client key does not exist');
  else errors.push(invalidValue(at('clientKey'), 'nil', 'Using TLS requires requires clientKey'));
  return errors;
}

function nameErrors(selections: readonly EgressSelection[]): readonly FieldError[] {
  const seen = new Set<string>();
  return selections.flatMap(({ name }, index) => {
    const canonical = name.toLowerCase();
    if (seen.has(canonical)) return [duplicate(`${path}[${index}]`, canonical)];
    seen.add(canonical);
    return names.includes(canonical) ? [] : [notSupported(path, canonical, names)];
  });
}
