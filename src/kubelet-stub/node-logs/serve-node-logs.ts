import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DoorContext } from '../door.js';
import { type Answered, sendBody, sendText } from '../http-reply.js';
import { LogTree, logFileLines } from './log-tree.js';

/** Answers `/logs/`: folders as lists of links, files as they are, in the way of Go's file server. */
export async function serveNodeLogs(
  { runtime }: Pick<DoorContext, 'runtime'>,
  pathname: string,
  response: ServerResponse,
): Promise<Answered> {
  const path = decodeURIComponent(pathname.replace(/^\/logs/, ''));
  const entry = new LogTree(runtime.logFiles()).find(path.replace(/^\/+|\/+$/g, ''));
  const name = path.split('/').at(-1) ?? '';
  switch (entry?.kind) {
    case undefined:
      return sendText(response, { status: 404, text: '404 page not found\n' });
    case 'folder':
      if (!path.endsWith('/')) return redirect(response, path === '' ? '/logs/' : `${name}/`);
      sendBody(response, 200, Buffer.from(listing(entry.names)), {
        'Content-Type': 'text/html; charset=utf-8',
      });
      return { status: 200 };
    case 'file':
      if (path.endsWith('/')) return redirect(response, `../${path.split('/').at(-2) ?? ''}`);
      response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
      await pipeline(Readable.from(logFileLines(entry.file)), response);
      return { status: 200 };
  }
}

function redirect(response: ServerResponse, location: string): Answered {
  return sendText(response, { status: 301, text: '', headers: { Location: location } });
}

function listing(names: readonly string[]): string {
  const links = names.map((name) => `<a href="${encodeURI(name)}">${escapeHtml(name)}</a>\n`);
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links.join('')}</pre>\n`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&#34;');
}
