import { constants } from 'node:http2';
import { z } from 'zod';

/** The codes of HTTP/2 that end a stream or a connection, by their names in its standard. */
export const http2CodeNames = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const;

/** The name of a code of HTTP/2: `ENHANCE_YOUR_CALM`. */
export type Http2Code = (typeof http2CodeNames)[number];

/** Reads a name as its number. */
export const http2Code = z.enum(http2CodeNames).transform((name) => constants[`NGHTTP2_${name}`]);
