import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { RequestView } from '../../control/requests-contract.js';
import { kubectlLine } from '../model/copy-as.js';
import { goLive } from '../player.js';
import { callApi } from '../source/api.js';
import { chosenRequest, lab, mode, page, request, source } from '../store.js';
import { copy } from './copy-menu.js';

interface Line {
  readonly prompt: string;
  readonly out: string;
  readonly error: string;
  readonly id?: string;
}

const pod = signal('');
const verb = signal<'exec' | 'logs'>('exec');
const command = signal('hostname');
const lines = signal<readonly Line[]>([]);
const busy = signal('');

/** Makes requests as a user does, and shows what the user sees. */
export function Console(): JSX.Element {
  if (source.value !== 'live') return <Recorded />;
  const pods = lab.value?.pods ?? [];
  const target = pods.some(({ name }) => name === pod.value) ? pod.value : (pods[0]?.name ?? '');
  return (
    <section class="console" aria-label="Console">
      <div class="term">
        <Output />
        <Prompt target={target} />
      </div>
      <aside>
        <p>The same with kubectl, by way of the API server</p>
        <pre>
          <code>{kubectl(target)}</code>
        </pre>
        <button type="button" onClick={() => void copy(kubectl(target))}>
          Copy
        </button>
      </aside>
    </section>
  );
}

/** The line to type in. */
function Prompt({ target }: { readonly target: string }): JSX.Element {
  const pods = lab.value?.pods ?? [];
  return (
    <form
      class="prompt"
      onSubmit={(event) => {
        event.preventDefault();
        void run(target);
      }}
    >
      <span class="p" aria-hidden="true">
        $ konnsim
      </span>
      <label for="verb" class="sr">
        Verb
      </label>
      <select
        id="verb"
        value={verb.value}
        onChange={(event) => (verb.value = event.currentTarget.value as 'exec' | 'logs')}
      >
        <option>exec</option>
        <option>logs</option>
      </select>
      <label for="pod" class="sr">
        Pod
      </label>
      <select id="pod" value={target} onChange={(event) => (pod.value = event.currentTarget.value)}>
        {pods.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {verb.value === 'exec' && (
        <>
          <span class="p">--</span>
          <label for="command" class="sr">
            Command
          </label>
          <input
            id="command"
            type="text"
            spellcheck={false}
            autocomplete="off"
            value={command.value}
            onInput={(event) => (command.value = event.currentTarget.value)}
          />
        </>
      )}
      <button type="submit" disabled={busy.value !== ''}>
        Run
      </button>
    </form>
  );
}

const kubectl = (target: string): string =>
  verb.value === 'logs' ? `kubectl logs ${target}` : `kubectl exec ${target} -- ${command.value}`;

function Output(): JSX.Element {
  const end = useRef<HTMLPreElement>(null);
  // The newest line is the one that is wanted.
  useEffect(() => {
    end.current?.scrollTo(0, end.current.scrollHeight);
  });
  return (
    <pre ref={end} aria-live="polite" aria-label="Output">
      {lines.value.slice(-6).map((line) => (
        <>
          <span class="p">$ </span>
          {line.prompt}
          {'\n'}
          {line.out}
          {line.error !== '' && (
            <span class="err">
              {line.error}
              {'\n'}
            </span>
          )}
          {line.error !== '' && line.id !== undefined && (
            <>
              <button type="button" class="small" onClick={() => explain(line.id ?? '')}>
                Explain {line.id}
              </button>
              {'\n'}
            </>
          )}
        </>
      ))}
      {busy.value !== '' && (
        <>
          <span class="p">$ </span>
          {busy.value}
          {'\n'}
          <span class="p">…</span>
        </>
      )}
    </pre>
  );
}

function explain(id: string): void {
  chosenRequest.value = id;
  page.value = 'explain';
}

/** A recording has no console: it shows what its user saw. */
function Recorded(): JSX.Element {
  const shown = request.value;
  return (
    <section class="console" aria-label="Console">
      <div class="term">
        <pre>
          {shown !== undefined && (
            <>
              <span class="p">$ </span>
              {kubectlLine(shown)}
              {'\n'}
              {shown.error !== undefined && <span class="err">{shown.error}</span>}
              {shown.exitCode !== undefined && <span class="p">exit {shown.exitCode}</span>}
            </>
          )}
        </pre>
      </div>
      <aside>
        <p>A recording: nothing can be run here. Events hold no output, so none is shown.</p>
      </aside>
    </section>
  );
}

async function run(target: string): Promise<void> {
  const prompt = kubectl(target).replace('kubectl', 'konnsim');
  busy.value = prompt;
  chosenRequest.value = undefined;
  if (mode.value !== 'live') goLive();
  const order =
    verb.value === 'logs'
      ? { verb: 'logs', pod: target, tailLines: 5 }
      : { verb: 'exec', pod: target, command: wordsOf(command.value) };
  const got = await callApi<RequestView>('POST', '/v1/requests', { ...order, waitMs: 60_000 });
  busy.value = '';
  lines.value = [
    ...lines.value.slice(-20),
    got.ok ? lineOf(prompt, got.value) : { prompt, out: '', error: got.detail },
  ];
}

function lineOf(prompt: string, view: RequestView): Line {
  const { stdout = '', stderr = '', error = '', exitCode = 0, id } = view;
  const code = error === '' && exitCode !== 0 ? `command terminated with exit code ${exitCode}` : error;
  const out = stdout.length > 4000 ? `${stdout.slice(0, 4000)}…\n` : stdout;
  return { prompt, out: out + stderr, error: code, ...(error === '' ? {} : { id }) };
}

/** Words, with what stands in quotes as one: `sh -c 'hostname; exit 7'`. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? '',
  );
}
