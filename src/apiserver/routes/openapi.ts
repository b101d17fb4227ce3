import { sendBytes, sendJson } from '../http/respond.js';
import { openApiV2, openApiV3, openApiV3Index } from '../openapi/documents.js';
import { encodeOpenApiV2, openApiV2ProtobufAnswer, openApiV2ProtobufType } from '../openapi/protobuf.js';
import type { Exchange } from '../request/exchange.js';
import { unknownPath } from '../request/status.js';
import type { Facade } from '../serving/facade.js';

/** GET below `/openapi`: `v2`, `v3`, and `v3/api/v1` and the like. */
export function handleOpenApi({ version }: Facade, exchange: Exchange, segments: readonly string[]): void {
  const { request, response } = exchange;
  const [form, ...path] = segments;
  const release = version.gitVersion;
  if (form === 'v3') {
    const document = path.length === 0 ? openApiV3Index(release) : openApiV3(path.join('/'), release);
    if (document === undefined) throw unknownPath();
    return sendJson(response, document);
  }
  if (form !== 'v2' || path.length > 0) throw unknownPath();
  const wantsProtobuf =
    request.headers.accept?.split(',')[0]?.trim().startsWith(openApiV2ProtobufType) === true;
  if (!wantsProtobuf) return sendJson(response, openApiV2(release));
  sendBytes(response, encodeOpenApiV2(openApiV2(release)), 200, openApiV2ProtobufAnswer);
}
