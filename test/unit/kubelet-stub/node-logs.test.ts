import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogStore } from '../../../src/containers/logs/log-store.js';
import type { LogFile } from '../../../src/containers/runtime.js';
import type { Pod } from '../../../src/kube/pod-objects.js';
import { requestedRanges } from '../../../src/kubelet-stub/node-logs/byte-ranges.js';
import { checkConditions, httpTime, rangeApplies } from '../../../src/kubelet-stub/node-logs/conditions.js';
import { LogContent } from '../../../src/kubelet-stub/node-logs/log-content.js';
import { NodeLogs } from '../../../src/kubelet-stub/node-logs/node-logs.js';
import { each } from '../../support/waits.js';
import { type Bench, issueCertificates, startBench, type TestPki } from './bench.js';
import { type Answer, ask, open } from './http-client.js';
import { pod, ScriptedRuntime } from './scripted-runtime.js';

const writtenMs = Date.parse('2026-03-01T10:00:00.500Z');
const written = 'Sun, 01 Mar 2026 10:00:00 GMT';
const prefix = '2026-03-01T10:00:00.500000000Z';
const whole = `${prefix} stdout F first line\n${prefix} stderr F second\n${prefix} stdout P no end\n`;

/** A runtime with the given logs. */
class LoggedRuntime extends ScriptedRuntime {
  readonly store = new LogStore({ now: () => writtenMs });
  others: LogFile[] = [];

  override logFiles(): readonly LogFile[] {
    return [fileOf(pod, 'app', this.store), ...this.others];
  }
}

function fileOf({ metadata }: Pod, container: string, store: LogStore): LogFile {
  const { namespace, name, uid } = metadata;
  return { pod: { namespace, name, uid }, container, containerId: 'c0ffee', restartCount: 0, store };
}

describe('the log files of a node', () => {
  const folder = '/logs/pods/default_web-0_u-1/app';
  let pki: TestPki;
  let runtime: LoggedRuntime;
  let bench: Bench;
  beforeAll(async () => {
    pki = await issueCertificates();
    runtime = new LoggedRuntime();
    runtime.store.append('stdout', 'first line\n');
    runtime.store.append('stderr', 'second\n');
    runtime.store.append('stdout', 'no end');
    bench = await startBench(pki, runtime);
  });
  afterAll(() => bench.close());
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
    ask(bench.kubelet, pki.client, path, { headers, method });
  const file = `${folder}/0.log`;

  it('are sent whole, with their size and the time of their last line', async () => {
    expect(await get(file)).toMatchObject({
      status: 200,
      text: whole,
      headers: {
        'content-length': String(whole.length),
        'content-type': 'text/plain; charset=utf-8',
        'accept-ranges': 'bytes',
        'last-modified': written,
      },
    });
    expect((await get('/logs/containers/web-0_default_app-c0ffee.log')).text).toBe(whole);
  });

  it('are sent in parts', async () => {
    const size = whole.length;
    const cases = [
      ['bytes=0-9', 0, 10],
      ['bytes=45-60', 45, 61],
      ['bytes=100-', 100, size],
      ['bytes=-7', size - 7, size],
      ['bytes=-100000', 0, size],
      [`bytes=5-${size + 5}`, 5, size],
    ] as const;
    for (const [range, start, end] of cases) {
      expect(await get(file, { Range: range }), range).toMatchObject({
        status: 206,
        text: whole.slice(start, end),
        headers: {
          'content-range': `bytes ${start}-${end - 1}/${size}`,
          'content-length': String(end - start),
          'accept-ranges': 'bytes',
        },
      });
    }
  });

  it('are sent in several parts at once, as multipart/byteranges', async () => {
    const answer = await get(file, { Range: 'bytes=0-3, 50-54,-2' });
    expect(answer.status).toBe(206);
    const [, boundary = ''] =
      /^multipart\/byteranges; boundary=([0-9a-f]{60})$/.exec(answer.headers['content-type'] ?? '') ?? [];
    const size = whole.length;
    const head = (range: string): string =>
      `Content-Range: bytes ${range}/${size}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n`;
    expect(answer.text).toBe(
      `--${boundary}\r\n${head('0-3')}${whole.slice(0, 4)}\r\n` +
        `--${boundary}\r\n${head('50-54')}${whole.slice(50, 55)}\r\n` +
        `--${boundary}\r\n${head(`${size - 2}-${size - 1}`)}${whole.slice(-2)}\r\n--${boundary}--\r\n`,
    );
    expect(answer.headers['content-length']).toBe(String(answer.text.length));
  });

  it('refuse parts that do not exist or make no sense', async () => {
    expect(await get(file, { Range: 'bytes=100000-' })).toMatchObject({
      status: 416,
      text: 'invalid range: failed to overlap\n',
      headers: { 'content-range': `bytes */${whole.length}` },
    });
    for (const range of ['lines=0-1', 'bytes=5-2', 'bytes=a-b', 'bytes=-', 'bytes=1', 'bytes=--1']) {
      const answer = await get(file, { Range: range });
      expect(answer, range).toMatchObject({ status: 416, text: 'invalid range\n' });
      expect(answer.headers['content-range']).toBeUndefined();
    }
  });

  it('are not sent again to a client that has them', async () => {
    const later = 'Sun, 01 Mar 2026 10:00:01 GMT';
    const earlier = 'Sun, 01 Mar 2026 09:59:59 GMT';
    const cases = [
      [{ 'If-Modified-Since': written }, 304],
      [{ 'If-Modified-Since': later }, 304],
      [{ 'If-Modified-Since': earlier }, 200],
      [{ 'If-Modified-Since': 'yesterday' }, 200],
      [{ 'If-Modified-Since': written, 'If-None-Match': '"x"' }, 200],
      [{ 'If-None-Match': '*' }, 304],
      [{ 'If-Unmodified-Since': earlier }, 412],
      [{ 'If-Unmodified-Since': written }, 200],
      [{ 'If-Match': '"x"' }, 412],
      [{ Range: 'bytes=0-1', 'If-Range': written }, 206],
      [{ Range: 'bytes=0-1', 'If-Range': earlier }, 200],
      [{ Range: 'bytes=0-1', 'If-Range': '"x"' }, 200],
    ] as const;
    for (const [headers, status] of cases) {
      const answer = await get(file, headers);
      expect(answer.status, JSON.stringify(headers)).toBe(status);
      expect(answer.headers['last-modified']).toBe(written);
      if (status === 304 || status === 412) expect(answer.text).toBe('');
    }
  });

  it('are listed as Go lists a folder', async () => {
    const answer = await get('/logs/pods/');
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.text).toBe(
      '<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n' +
        '<a href="default_web-0_u-1/">default_web-0_u-1/</a>\n</pre>\n',
    );
    const odd = { ...pod, metadata: { ...pod.metadata, name: "a?b#c&'<d:e", uid: 'u-2' } };
    runtime.others = [fileOf(odd, 'app', runtime.store)];
    expect((await get('/logs/pods/')).text).toContain(
      '<a href="./default_a%3Fb%23c&%27%3Cd:e_u-2/">default_a?b#c&amp;&#39;&lt;d:e_u-2/</a>\n',
    );
    runtime.others = [];
  });

  it('are not listed again for a client that has the list', async () => {
    const first = await get('/logs/');
    const since = { 'If-Modified-Since': first.headers['last-modified'] ?? '' };
    expect(await get('/logs/', since)).toMatchObject({ status: 304, text: '' });
    expect((await get('/logs/pods/', { 'If-Modified-Since': httpTime(0) })).status).toBe(200);
  });

  it('are redirected as by the file server, with the query', async () => {
    const cases = [
      [folder, 'app/'],
      [`${folder}?tailLines=1`, 'app/?tailLines=1'],
      [`${file}/`, '../0.log'],
      [`${folder}/index.html`, './'],
    ] as const;
    for (const [path, location] of cases) {
      expect(await get(path), path).toMatchObject({ status: 301, text: '', headers: { location } });
    }
  });

  it('accept only GET', async () => {
    for (const method of ['HEAD', 'POST', 'DELETE'])
      expect(await get(file, {}, method)).toMatchObject({ status: 405, headers: { allow: 'GET' } });
  });

  it('ignore the parameters of the system log query, which is off', async () => {
    const query = 'query=kubelet&sinceTime=x&untilTime=x&tailLines=x&pattern=(&boot=5';
    expect((await get(`/logs/?${query}`)).text).toBe((await get('/logs/')).text);
    expect((await get(`${file}?${query}`)).text).toBe(whole);
  });

  it('keep their size while the log goes on and loses its beginning', async () => {
    const store = new LogStore({ now: () => writtenMs, limitBytes: 200_000 });
    for (let index = 0; index < 20_000; index++) store.append('stdout', `line ${index}\n`);
    runtime.others = [fileOf({ ...pod, metadata: { ...pod.metadata, name: 'big' } }, 'app', store)];
    const response = await open(bench.kubelet, pki.client, '/logs/pods/default_big_u-1/app/0.log');
    for (let index = 0; index < 20_000; index++) store.append('stdout', `later ${index}\n`);
    let size = 0;
    for await (const chunk of each(response, 'part of the answer')) size += (chunk as Buffer).length;
    expect(size).toBe(Number(response.headers['content-length']));
    runtime.others = [];
  });
});

describe('parts and conditions', () => {
  it('change the time of a list only when a log was added or removed', () => {
    let nowMs = 1000;
    const store = new LogStore({ now: () => nowMs });
    let files = [fileOf(pod, 'app', store)];
    const logs = new NodeLogs({ logFiles: () => files }, () => nowMs);
    expect(logs.read().changedMs).toBe(1000);
    nowMs = 2000;
    store.append('stdout', 'a line\n');
    expect(logs.read().changedMs).toBe(1000);
    files = [fileOf(pod, 'app', store), fileOf(pod, 'shell', store)];
    expect(logs.read().changedMs).toBe(2000);
    nowMs = 3000;
    files = [fileOf(pod, 'app', store)];
    expect(logs.read().changedMs).toBe(3000);
  });

  it('send an empty file whole, whatever part is wanted', () => {
    expect(requestedRanges('bytes=0-9', 0)).toEqual({ kind: 'ranges', ranges: [] });
  });

  it('send the whole file when the parts together are longer', () => {
    expect(requestedRanges('bytes=0-,1-', 10)).toEqual({ kind: 'ranges', ranges: [] });
  });

  it('leave out parts after the end when there are others', () => {
    expect(requestedRanges('bytes=20-, 1-2,', 10)).toEqual({
      kind: 'ranges',
      ranges: [{ start: 1, length: 2 }],
    });
    expect(requestedRanges('bytes=20-,30-40', 10)).toEqual({ kind: 'beyond' });
  });

  it('compare whole seconds', () => {
    expect(checkConditions({ 'if-modified-since': httpTime(5000) }, 5999)).toBe('notModified');
    expect(rangeApplies({ 'if-range': httpTime(5000) }, 5999)).toBe(true);
  });

  it('give every part of a log with the same bytes as in the whole, wherever it begins', () => {
    const store = new LogStore({ now: () => writtenMs });
    store.append('stdout', 'a\nbb\n');
    store.append('stderr', 'ccc');
    const content = new LogContent(store);
    const read = (start: number, length: number): string =>
      Buffer.concat([...content.slice({ start, length })]).toString();
    const all = read(0, content.sizeBytes);
    expect(all).toHaveLength(content.sizeBytes);
    for (let start = 0; start < content.sizeBytes; start++) {
      for (const length of [1, 2, 41, 60]) expect(read(start, length)).toBe(all.slice(start, start + length));
    }
  });

  it('do not call a log with control characters text', () => {
    const store = new LogStore({ now: () => writtenMs });
    store.append('stdout', Buffer.of(0x00, 0x01, 0x0a));
    expect(new LogContent(store).contentType()).toBe('application/octet-stream');
  });
});
