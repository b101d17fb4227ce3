import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AnswerReader } from '../../core/http-connect/answer.js';
import { genericText } from '../kubelet/answer-status.js';
import { goErrorText } from '../kubelet/go-errors.js';
import { parseBoundedJson, parseYaml } from '../request/parse.js';
import { textAt } from '../resources/api-object.js';
import { isObject, type JsonObject } from '../resources/json.js';
import { CallFailure } from './failures.js';

const maxBytes = 3 * 1024 * 1024;
/** client-go shows no more of an error's body. */
const maxShownBytes = 2048;

export async function readBody(answer: IncomingMessage): Promise<Buffer> {
  const isPacked = answer.headers['content-encoding']?.toLowerCase() === 'gzip';
  const body = isPacked ? pipeline(answer, createGunzip(), () => undefined) : answer;
  body.on('error', () => undefined);
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += (chunk as Buffer).length;
    if (sizeBytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

export function brokenBody(caught: unknown): never {
  const code = caught instanceof Error && 'code' in caught ? String(caught.code) : '';
  const isCut = code === 'ECONNRESET' || code === 'Z_BUF_ERROR';
  const isUnpacked = code === 'Z_DATA_ERROR';
  const text = isCut ? 'unexpected EOF' : isUnpacked ? 'gzip: invalid header' : goErrorText(caught, '');
  throw new CallFailure(
    `failed to call webhook: unexpected error when reading response body. Please retry. Original error: ${text}`,
  );
}

/** Go's text when the peer does not speak HTTP, or speaks it wrong; Node has the bytes. */
export function malformedText(caught: unknown): string | undefined {
  if (!(caught instanceof Error) || !('rawPacket' in caught)) return undefined;
  const bytes = Buffer.from(caught.rawPacket as Uint8Array);
  const answer = new AnswerReader().receive(bytes);
  const [line = ''] = bytes.toString().split(/\r?\n/);
  const fault = answer?.kind === 'broken' ? answer.text : `malformed HTTP response ${JSON.stringify(line)}`;
  return `net/http: HTTP/1.x transport connection broken: ${fault}`;
}

/** The object in an answer. An answer without success becomes the error that a Kubernetes client makes of it. */
export async function readJson(
  { statusCode = 500, headers }: IncomingMessage,
  body: Buffer,
): Promise<JsonObject> {
  const text = body.toString();
  const type = headers['content-type'] ?? '';
  if (statusCode < 200 || statusCode > 206)
    throw failure(errorText(statusCode, { type, body, text }), statusCode);
  if (body.length === 0)
    throw failure(
      `0-length response with status code: ${statusCode} and content type: ${type || 'application/json'}`,
    );
  const value = looksLikeJson(text) ? parsedJson(text) : await parsedYaml(text);
  if (value === null || (isObject(value) && textAt(value, 'kind') === ''))
    throw failure(`Object 'Kind' is missing in '${text.slice(0, 1000)}'`);
  if (!isObject(value))
    throw unreadable(`json: cannot unmarshal ${typeName(value)} into Go value of type ${kindStruct}`);
  return value;
}

const failure = (text: string, code?: number): CallFailure =>
  new CallFailure(`failed to call webhook: ${text}`, code);
const unreadable = (text: string): CallFailure =>
  failure(`couldn't get version/kind; json parse error: ${text}`);

interface Body {
  readonly type: string;
  readonly body: Buffer;
  readonly text: string;
}

function errorText(code: number, { type, body, text }: Body): string {
  const status = statusIn(text);
  if (status !== undefined) return textAt(status, 'message');
  const isText = type === '' || type.toLowerCase().startsWith('text/');
  const shown = isText ? body.subarray(0, maxShownBytes).toString().trim() : 'unknown';
  return genericText(code, shown);
}

function statusIn(text: string): JsonObject | undefined {
  try {
    const value = parseBoundedJson(text);
    return isObject(value) && value['kind'] === 'Status' && value['status'] === 'Failure' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** As client-go: all else is read as YAML, so that a plain text is a string. */
const looksLikeJson = (text: string): boolean => /^\s*\{/.test(text);

/** The struct that client-go looks for the kind with, as Go shows it. */
const kindStruct =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function parsedJson(text: string): unknown {
  try {
    return parseBoundedJson(text);
  } catch (caught) {
    throw unreadable(jsonFault(messageOf(caught)));
  }
}

async function parsedYaml(text: string): Promise<unknown> {
  return parseYaml(text).catch((caught: unknown) => {
    throw failure(messageOf(caught));
  });
}

const messageOf = (caught: unknown): string => (caught instanceof Error ? caught.message : String(caught));

/** The most likely of Go's texts. */
function jsonFault(message: string): string {
  const token = /^Unexpected token '(.)'/u.exec(message)?.[1];
  if (token !== undefined) return `invalid character '${token}' looking for beginning of value`;
  return /^(?:Unexpected end|Unterminated)/.test(message) ? 'unexpected end of JSON input' : message;
}
