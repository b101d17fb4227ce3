import { STATUS_CODES } from 'node:http';
import {
  constants as h2,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { status } from '@grpc/grpc-js';
import type { Extension } from '../../core/extensions.js';

/** The two methods of the tunnel, by their HTTP/2 paths. Source: `proto/agent.proto`, `proto/client.proto`. */
export const tunnelPaths = { Proxy: '/ProxyService/Proxy', Connect: '/AgentService/Connect' } as const;
export type TunnelMethod = keyof typeof tunnelPaths;

/** Header fields of a call beside gRPC's own, such as `agentid`. */
export type CallMetadata = Readonly<Record<string, string>>;

/** The field with the extensions that an end knows (R27, R31). */
const extensionField = 'x-knp-ext';

/** Offers extensions, or agrees to them. */
export const extensionMetadata = (extensions: readonly Extension[]): CallMetadata =>
  extensions.length === 0 ? {} : { [extensionField]: extensions.join(',') };

/** Those of `own` that the other end offers, or agrees to. Its field may list others. */
export function sharedExtensions(
  headers: IncomingHttpHeaders,
  own: readonly Extension[],
): readonly Extension[] {
  const words = valuesOf(headers, extensionField).flatMap((value) => value.split(','));
  const theirs = new Set(words.map((word) => word.trim()));
  return own.filter((extension) => theirs.has(extension));
}

/** Offers flow control, or agrees to it. */
export const creditsMetadata: CallMetadata = extensionMetadata(['fc1']);

/** True when the other end offers flow control, or agrees to it. */
export const knowsCredits = (headers: IncomingHttpHeaders): boolean =>
  sharedExtensions(headers, ['fc1']).length > 0;

/** A gRPC status: its code, and what the other end says of it. */
export interface CallStatus {
  readonly code: status;
  readonly details: string;
}

/** Messages are only sent and read as they are. */
const encoding = 'identity';
const contentType = 'application/grpc';

/** What a client sends first. Source: gRPC over HTTP/2, Requests. */
export function requestHeaders(method: TunnelMethod, metadata: CallMetadata): OutgoingHttpHeaders {
  return {
    ':method': 'POST',
    ':path': tunnelPaths[method],
    'content-type': contentType,
    'user-agent': 'konnectivity-sim',
    te: 'trailers',
    'grpc-accept-encoding': encoding,
    ...metadata,
  };
}

/** What a server sends first when it accepts a call. */
export function responseHeaders(metadata: CallMetadata): OutgoingHttpHeaders {
  return { ':status': 200, 'content-type': contentType, 'grpc-accept-encoding': encoding, ...metadata };
}

/** What a server sends last. */
export function trailersOf({ code, details }: CallStatus): OutgoingHttpHeaders {
  const fields = { 'grpc-status': String(code) };
  return details === '' ? fields : { ...fields, 'grpc-message': percentEncoded(details) };
}

/** All values of a field. A field that came several times may be one value with commas. */
export function valuesOf(headers: IncomingHttpHeaders, key: string): readonly string[] {
  const value = headers[key];
  return value === undefined ? [] : [value].flat();
}

/** The status in a server's last fields; undefined without one. */
export function statusIn(headers: IncomingHttpHeaders): CallStatus | undefined {
  const [text] = valuesOf(headers, 'grpc-status');
  if (text === undefined) return undefined;
  if (!/^[+-]?\d+$/.test(text)) {
    const details = `transport: malformed grpc-status: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`;
    return { code: status.UNKNOWN, details };
  }
  const code = Number(text);
  const [details = ''] = valuesOf(headers, 'grpc-message');
  return { code: status[code] === undefined ? status.UNKNOWN : code, details: percentDecoded(details) };
}

const statusOfHttp: Readonly<Record<number, status>> = {
  400: status.INTERNAL,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.UNIMPLEMENTED,
  429: status.UNAVAILABLE,
  502: status.UNAVAILABLE,
  503: status.UNAVAILABLE,
  504: status.UNAVAILABLE,
};

/** What is wrong with a first answer that no gRPC server gave. Codes and words are grpc-go's. */
export function answerFault(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): CallStatus | undefined {
  const { ':status': http = 0, 'content-type': type } = headers;
  const faults: string[] = [];
  if (http !== h2.HTTP_STATUS_OK) {
    faults.push(`unexpected HTTP status code received from server: ${http} (${STATUS_CODES[http] ?? ''})`);
  }
  if (type === undefined) faults.push('malformed header: missing HTTP content-type');
  else if (!isGrpc(type)) faults.push(`transport: received unexpected content-type ${JSON.stringify(type)}`);
  if (faults.length === 0) return undefined;
  return { code: statusOfHttp[http] ?? status.UNKNOWN, details: faults.join('; ') };
}

/** Why a server takes no call with these fields, or undefined. Codes and words are grpc-go's. */
export function requestFault(headers: IncomingHttpHeaders, method: TunnelMethod): CallStatus | undefined {
  const { ':path': path = '', 'grpc-encoding': compression = encoding } = headers;
  const [, service = '', name = ''] = /^\/(.*)\/([^/]*)$/.exec(path) ?? [];
  if (path !== tunnelPaths[method]) {
    const own = tunnelPaths[method].startsWith(`/${service}/`);
    const details = own ? `unknown method ${name} for service ${service}` : `unknown service ${service}`;
    return { code: status.UNIMPLEMENTED, details };
  }
  if (compression === encoding) return undefined;
  const details = `grpc: Decompressor is not installed for grpc-encoding ${JSON.stringify(compression)}`;
  return { code: status.UNIMPLEMENTED, details };
}

/** The HTTP status for a request that is no gRPC call, or undefined. Source: grpc-go. */
export function httpFault(headers: IncomingHttpHeaders): number | undefined {
  if (headers[':method'] !== 'POST') return h2.HTTP_STATUS_METHOD_NOT_ALLOWED;
  return isGrpc(headers['content-type'] ?? '') ? undefined : h2.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE;
}

const isGrpc = (type: string): boolean => /^application\/grpc(?:$|[+;])/.test(type);

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** How long the client waits for the end of the call, ms. Undefined: without limit. */
export function timeoutMs(headers: IncomingHttpHeaders): number | undefined {
  const [, digits, unit = ''] =
    /^(\d{1,8})([HMSmun])$/.exec(valuesOf(headers, 'grpc-timeout')[0] ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits) * (unitMs[unit] ?? 0);
}

/** The reset codes of HTTP/2: their names, and the status that each means. Source: grpc-go's `http2ErrConvTab`. */
const resets: Readonly<Record<number, readonly [name: string, code: status]>> = {
  [h2.NGHTTP2_NO_ERROR]: ['NO_ERROR', status.INTERNAL],
  [h2.NGHTTP2_PROTOCOL_ERROR]: ['PROTOCOL_ERROR', status.INTERNAL],
  [h2.NGHTTP2_INTERNAL_ERROR]: ['INTERNAL_ERROR', status.INTERNAL],
  [h2.NGHTTP2_FLOW_CONTROL_ERROR]: ['FLOW_CONTROL_ERROR', status.RESOURCE_EXHAUSTED],
  [h2.NGHTTP2_SETTINGS_TIMEOUT]: ['SETTINGS_TIMEOUT', status.INTERNAL],
  [h2.NGHTTP2_STREAM_CLOSED]: ['STREAM_CLOSED', status.INTERNAL],
  [h2.NGHTTP2_FRAME_SIZE_ERROR]: ['FRAME_SIZE_ERROR', status.INTERNAL],
  [h2.NGHTTP2_REFUSED_STREAM]: ['REFUSED_STREAM', status.UNAVAILABLE],
  [h2.NGHTTP2_CANCEL]: ['CANCEL', status.CANCELLED],
  [h2.NGHTTP2_COMPRESSION_ERROR]: ['COMPRESSION_ERROR', status.INTERNAL],
  [h2.NGHTTP2_CONNECT_ERROR]: ['CONNECT_ERROR', status.INTERNAL],
  [h2.NGHTTP2_ENHANCE_YOUR_CALM]: ['ENHANCE_YOUR_CALM', status.RESOURCE_EXHAUSTED],
  [h2.NGHTTP2_INADEQUATE_SECURITY]: ['INADEQUATE_SECURITY', status.PERMISSION_DENIED],
  [h2.NGHTTP2_HTTP_1_1_REQUIRED]: ['HTTP_1_1_REQUIRED', status.INTERNAL],
};

/** `CANCEL` for 8. Unknown codes have their number as a name. */
export function resetName(code: number): string {
  return resets[code]?.[0] ?? `unknown error code 0x${code.toString(16)}`;
}

/** What a client makes of a reset stream, in grpc-go's words. */
export function resetStatus(code: number): CallStatus {
  if (code === h2.NGHTTP2_NO_ERROR) {
    return { code: status.INTERNAL, details: 'server closed the stream without sending trailers' };
  }
  const details = `stream terminated by RST_STREAM with error code: ${resetName(code)}`;
  return { code: resets[code]?.[1] ?? status.UNKNOWN, details };
}

/** `DEADLINE_EXCEEDED` → `DeadlineExceeded`, `CANCELLED` → `Canceled`: the names in Go's metrics. */
export function goCodeName(code: status): string {
  if (code === status.CANCELLED) return 'Canceled';
  const words = (status[code] ?? 'UNKNOWN').split('_');
  return words.map((word) => word.charAt(0) + word.slice(1).toLowerCase()).join('');
}

/** gRPC leaves printable ASCII as it is, but for the percent sign. */
function percentEncoded(text: string): string {
  const encode = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  const plain = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
  return [...Buffer.from(text)]
    .map((byte) => (plain(byte) ? String.fromCharCode(byte) : encode(byte)))
    .join('');
}

/** A sequence that is no byte stays as it is. */
function percentDecoded(text: string): string {
  const bytes = text.replaceAll(/%([0-9a-fA-F]{2})/g, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}
