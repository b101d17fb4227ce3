import { badRequest } from '../request/status.js';
import { isObject, type JsonObject } from '../resources/json.js';

/** Where a list continues, and at which revision. Opaque to clients; the form is kube-apiserver's. */
export interface ContinuePoint {
  /** The revision of the first page; -1 means the present, which clients are offered when that revision is gone. */
  readonly revision: number;
  /** The key of the first object that may follow: `NAMESPACE/NAME`, or `NAME` in a list of one namespace. */
  readonly start: string;
}

const version = 'meta.k8s.io/v1';

export function encodeContinue({ revision, start }: ContinuePoint): string {
  return Buffer.from(JSON.stringify({ v: version, rv: revision, start })).toString('base64url');
}

/** Throws 400 for an invalid token. */
export function decodeContinue(token: string): ContinuePoint {
  const { v, rv = 0, start = '' } = readJson(token);
  if (v !== version)
    throw invalidToken(`: server does not recognize this encoded version ${typeof v === 'string' ? v : ''}`);
  if (typeof rv !== 'number' || rv === 0)
    throw invalidToken(`: incorrect encoded start resourceVersion (version ${version})`);
  if (typeof start !== 'string' || start === '')
    throw invalidToken(`: encoded start key empty (version ${version})`);
  if (start.split('/').some((part, index) => part === '.' || part === '..' || (part === '' && index > 0)))
    throw invalidToken(`: ${start}`);
  return { revision: rv, start: start.replace(/^\//, '') };
}

function readJson(token: string): JsonObject {
  const badByte = [...token].findIndex((character) => !/[\w-]/.test(character));
  if (badByte !== -1 || token.length % 4 === 1)
    throw invalidToken(`: illegal base64 data at input byte ${badByte === -1 ? token.length - 1 : badByte}`);
  const text = Buffer.from(token, 'base64url').toString();
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    throw invalidToken(`: ${jsonFault(text)}`);
  }
  throw invalidToken(': json: cannot unmarshal into Go value of type storage.continueToken');
}

/** The most likely of Go's error texts. */
function jsonFault(text: string): string {
  const [first] = text;
  return first === undefined || first === '{'
    ? 'unexpected end of JSON input'
    : `invalid character '${first}' looking for beginning of value`;
}

function invalidToken(cause: string): Error {
  return badRequest(`invalid continue token: continue key is not valid${cause}`);
}
