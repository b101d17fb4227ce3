import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LogStore } from '../containers/logs/log-store.js';
import type { DoorContext } from './door-context.js';
import { type Answered, sendBody, sendText } from './http-reply.js';
import { encodePath } from './http-router.js';
import { notFound, plainError } from './http-unrouted.js';
import { type ByteRange, contentRange, requestedRanges } from './node-logs/byte-ranges.js';
import { checkConditions, httpTime, rangeApplies } from './node-logs/conditions.js';
import { LogContent } from './node-logs/log-content.js';
import { sendMultipart } from './node-logs/multipart.js';

/** `/logs/PATH` as Go's file server answers it. The query is ignored, as without `enableSystemLogQuery`. */
export async function serveNodeLogs(
  { nodeLogs, startedAtMs }: Pick<DoorContext, 'nodeLogs' | 'startedAtMs'>,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answered> {
  if (`/${path}`.endsWith('/index.html')) return redirect(request, response, './');
  const { tree, changedMs } = nodeLogs.read();
  const entry = tree.find(path.replace(/\/$/, ''));
  const isFolderPath = path === '' || path.endsWith('/');
  const name = path.split('/').findLast((part) => part !== '') ?? '';
  switch (entry?.kind) {
    case undefined:
      return sendText(response, notFound);
    case 'folder':
      if (!isFolderPath) return redirect(request, response, `${name}/`);
      return sendFolder(request, response, { names: entry.names, changedMs });
    case 'file':
      if (isFolderPath) return redirect(request, response, `../${name}`);
      return sendLog(request, response, entry.file.store, startedAtMs);
  }
}

/** A relative redirect with the query and without a body. */
function redirect(request: IncomingMessage, response: ServerResponse, location: string): Answered {
  const [, query] = (request.url ?? '').split(/\?(.*)/s);
  const target = `${encodePath(location)}${query ? `?${query}` : ''}`;
  response.writeHead(301, { Location: target, 'Content-Length': 0 });
  response.end();
  return { status: 301 };
}

function sendFolder(
  { headers }: IncomingMessage,
  response: ServerResponse,
  { names, changedMs }: { readonly names: readonly string[]; readonly changedMs: number },
): Answered {
  const lastModified = { 'Last-Modified': httpTime(changedMs) };
  // For a folder, only this condition counts.
  const condition = { 'if-modified-since': headers['if-modified-since'] };
  if (checkConditions(condition, changedMs) === 'notModified')
    return sendNothing(response, 304, lastModified);
  const type = { 'Content-Type': 'text/html; charset=utf-8' };
  sendBody(response, 200, Buffer.from(listing(names)), { ...type, ...lastModified });
  return { status: 200 };
}

async function sendLog(
  request: IncomingMessage,
  response: ServerResponse,
  store: LogStore,
  createdMs: number,
): Promise<Answered> {
  const content = new LogContent(store);
  try {
    return await sendFile(request, response, content, createdMs);
  } finally {
    content.close();
  }
}

async function sendFile(
  { headers }: IncomingMessage,
  response: ServerResponse,
  content: LogContent,
  createdMs: number,
): Promise<Answered> {
  const { sizeBytes, modifiedMs = createdMs } = content;
  const lastModified = { 'Last-Modified': httpTime(modifiedMs) };
  const condition = checkConditions(headers, modifiedMs);
  if (condition !== 'met') return sendNothing(response, condition === 'failed' ? 412 : 304, lastModified);
  const asked = requestedRanges(rangeApplies(headers, modifiedMs) ? headers.range : undefined, sizeBytes);
  if (asked.kind !== 'ranges') return refuseRange(response, asked.kind, sizeBytes);
  const common = { ...lastModified, 'Accept-Ranges': 'bytes' };
  if (asked.ranges.length > 1) {
    await sendMultipart(response, content, { ranges: asked.ranges, headers: common });
    return { status: 206 };
  }
  const [range] = asked.ranges;
  await sendPart(response, content, { range, headers: common });
  return { status: range === undefined ? 200 : 206 };
}

async function sendPart(
  response: ServerResponse,
  content: LogContent,
  { range, headers }: { readonly range: ByteRange | undefined; readonly headers: OutgoingHttpHeaders },
): Promise<void> {
  const { start, length } = range ?? { start: 0, length: content.sizeBytes };
  response.writeHead(range === undefined ? 200 : 206, {
    'Content-Type': content.contentType(),
    'Content-Length': length,
    ...headers,
    ...(range === undefined ? {} : { 'Content-Range': contentRange(range, content.sizeBytes) }),
  });
  await pipeline(Readable.from(content.slice({ start, length })), response);
}

function refuseRange(response: ServerResponse, kind: 'invalid' | 'beyond', sizeBytes: number): Answered {
  const isBeyond = kind === 'beyond';
  const text = isBeyond ? 'invalid range: failed to overlap\n' : 'invalid range\n';
  const headers = { ...plainError, ...(isBeyond ? { 'Content-Range': `bytes */${sizeBytes}` } : {}) };
  return sendText(response, { status: 416, text, headers });
}

function sendNothing(response: ServerResponse, status: 304 | 412, headers: OutgoingHttpHeaders): Answered {
  response.writeHead(status, status === 412 ? { ...headers, 'Content-Length': 0 } : headers);
  response.end();
  return { status };
}

function listing(names: readonly string[]): string {
  const links = names.map((name) => `<a href="${href(name)}">${escapeHtml(name)}</a>\n`);
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links.join('')}</pre>\n`;
}

/** A colon in the first part would be read as a URL scheme. */
function href(name: string): string {
  return `${name.includes(':') ? './' : ''}${encodePath(name)}`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&#34;')
    .replaceAll("'", '&#39;');
}
