import { problemSchema } from '../../control/contract.js';
import { TunnelError } from '../../core/errors.js';

export interface ControlPlace {
  /** `http://127.0.0.1:7575`. */
  readonly url: string;
  readonly token: string | undefined;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** The control API of a running lab. All methods reject with what the API says, or with LAB_UNREACHABLE. */
export class ControlClient {
  private readonly place: ControlPlace;

  constructor(place: ControlPlace) {
    this.place = place;
  }

  /** The answers are those of our own server, whose schemas its own tests check. */
  async get<T>(path: string): Promise<T> {
    return (await (await this.ask('GET', path)).json()) as T;
  }

  async send<T>(method: Method, path: string, body?: unknown): Promise<T> {
    return (await (await this.ask(method, path, { body })).json()) as T;
  }

  async text(path: string): Promise<string> {
    return (await this.ask('GET', path)).text();
  }

  /** The lines of a stream, until it ends or `signal` is aborted. */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const { body } = await this.ask('GET', path, { signal, accept: 'application/x-ndjson' });
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const chunk of body ?? []) {
        const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    } catch (cause) {
      if (!signal.aborted) throw this.unreachable(cause);
    }
  }

  private async ask(
    method: Method,
    path: string,
    { body, signal, accept }: { body?: unknown; signal?: AbortSignal; accept?: string } = {},
  ): Promise<Response> {
    const { url, token } = this.place;
    const headers = {
      accept: accept ?? 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const init = { method, headers, ...(signal === undefined ? {} : { signal }) };
    const whole = body === undefined ? init : { ...init, body: JSON.stringify(body) };
    const answer = await fetch(`${url}${path}`, whole).catch((cause: unknown) => {
      throw this.unreachable(cause);
    });
    if (answer.ok) return answer;
    throw await this.failureOf(answer);
  }

  private async failureOf(answer: Response): Promise<TunnelError> {
    const { data } = problemSchema.safeParse(await answer.json().catch(() => undefined));
    if (data === undefined) return this.unreachable(new Error(`it answers ${answer.status}`));
    const { code, detail, hint, where } = data;
    return new TunnelError(code, detail, { hint, ...(where === undefined ? {} : { where }) });
  }

  private unreachable(cause: unknown): TunnelError {
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    const why = inner instanceof Error ? inner.message : String(inner);
    return new TunnelError('LAB_UNREACHABLE', `no lab answers at ${this.place.url}: ${why}`, {
      hint: 'Start one with `konnsim up`, or name its address with --control, or its folder with --dir.',
      cause,
    });
  }
}
