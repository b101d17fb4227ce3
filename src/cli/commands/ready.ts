import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { Command, InvalidArgumentError } from 'commander';
import { type Clock, createRealClock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import { pause } from '../../core/pause.js';
import { printable } from '../../observe/event-text.js';
import type { TlsFiles } from '../../wire/net/tls.js';
import { exitCodes } from '../exit-codes.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { readTls } from '../role.js';
import { durationMs, option } from '../values.js';

interface ReadyFlags {
  readonly certs: string;
  readonly certificate: string;
  readonly timeout: number;
}

const tryAgainMs = 200;
/** The largest answer, bytes: more than any page of ours. The rest is not read. */
const maxBytes = 4096;

/** `konnsim ready`: for health checks of containers, and for scripts that wait. */
export function readyCommand(invocation: Invocation): Command {
  return new Command('ready')
    .description('wait until each URL answers 200, such as a role’s /readyz')
    .argument('<url...>', 'http or https')
    .addOption(option('--timeout <duration>', 'how long to wait').argParser(durationMs).default(5000, '5s'))
    .addOption(option('--certs <folder>', 'certificates and CAs for https').default('certs'))
    .addOption(option('--certificate <name>', 'the certificate of that folder to use').default('admin'))
    .addHelpText(
      'after',
      examples(
        'konnsim ready http://127.0.0.1:8092/readyz',
        'konnsim ready --timeout 30s https://127.0.0.1:6443/readyz',
      ),
    )
    .action(async (urls: readonly string[], flags: ReadyFlags) => {
      await run(urls.map(parseUrl), flags);
      invocation.exitCode = exitCodes.ok;
    });
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new InvalidArgumentError(`"${text}" is not an http or https URL.`);
}

async function run(urls: readonly URL[], { certs, certificate, timeout }: ReadyFlags): Promise<void> {
  const secure = urls.some(({ protocol }) => protocol === 'https:');
  const tls = secure ? await readTls(certs, certificate) : undefined;
  const clock = createRealClock();
  const deadline = clock.now() + timeout;
  await Promise.all(urls.map((url) => untilReady(url, { tls, clock, deadline })));
}

interface Patience {
  readonly tls: TlsFiles | undefined;
  readonly clock: Clock;
  readonly deadline: number;
}

async function untilReady(url: URL, { tls, clock, deadline }: Patience): Promise<void> {
  for (;;) {
    const left = Math.max(1, deadline - clock.now());
    const why = await ask(url, tls, left).catch((caught: unknown) => TunnelError.from(caught).message);
    if (why === undefined) return;
    if (clock.now() + tryAgainMs >= deadline) {
      throw new TunnelError('NOT_READY', printable(why), {
        where: url.href,
        hint: 'Check the output of that role; --timeout gives it more time.',
      });
    }
    await pause(clock, tryAgainMs);
  }
}

/** Undefined for a 200, else the answer. Rejects when no answer comes within `timeoutMs`. */
function ask(url: URL, tls: TlsFiles | undefined, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(Math.ceil(timeoutMs));
    const request =
      url.protocol === 'https:' ? requestTls(url, { ...tls, signal }) : requestPlain(url, { signal });
    request.on('error', (error) => reject(signal.aborted ? new Error('no answer in time') : error));
    request.on('response', (response) => {
      let body = '';
      response.on('error', () => undefined);
      response.on('data', (chunk: Buffer) => {
        if (body.length < maxBytes) body += chunk.toString();
      });
      response.once('close', () => {
        if (response.statusCode === 200) resolve(undefined);
        else resolve(`status ${response.statusCode ?? 0}: ${body.slice(0, maxBytes)}`);
      });
    });
    request.end();
  });
}
