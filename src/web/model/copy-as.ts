import type { RequestState } from './requests.js';
import type { State } from './state.js';
import { isActive } from './timers.js';

/** The same again, in code and on command lines: faults that are set, parts that are dead, and the request. */
export interface Copies {
  readonly test: string;
  readonly cli: string;
  readonly curl: string;
}

export function copiesOf(state: State, request: RequestState | undefined, origin: string): Copies {
  const faults = [...state.faults.values()].filter(isActive).flatMap(({ document }) => document ?? []);
  const dead = [...state.parts.values()].filter(({ state: is }) => is === 'killed').map(({ id }) => id);
  const cut = [...state.tunnels.values()].filter((tunnel) => tunnel.cut !== undefined);
  const forgotten = faults.length === 0 ? [] : cut.map(({ agent, server }) => `${agent} → ${server}`);
  const pod = request?.target ?? 'web-1';
  const documents = faults.map((document) => JSON.stringify(document));
  const post = `curl -s ${origin}/v1`;
  const json = "-H 'content-type: application/json'";
  return {
    test: [
      `await using lab = await startLab(${literal(optionsOf(state))});`,
      ...faults.map((document) => `lab.fault(${literal(document)});`),
      ...forgotten.map(
        (link) => `await lab.waitFor({ kind: 'flow.forgotten', link: '${link}' }, { withinMs: 120_000 });`,
      ),
      ...dead.map((id) => `await lab.part('${id}').kill();`),
      ...dead
        .filter((id) => id.startsWith('agent/'))
        .map((id) => `await lab.waitFor({ kind: 'backend.disconnected', peer: '${id}' });`),
      outcomeLine(request, pod),
    ].join('\n'),
    cli: [
      `konnsim up --seed ${state.seed ?? 1}`,
      ...documents.map((document) => `konnsim fault add '${document}'`),
      ...dead.map((id) => `konnsim part kill ${id}`),
      kubectlLine(request, 'hostname'),
    ].join('\n'),
    curl: [
      ...documents.map((document) => `${post}/faults ${json} -d '${document}'`),
      ...dead.map((id) => `${post}/parts/${id}:kill ${json} -d '{}'`),
      `${post}/requests ${json} -d '${JSON.stringify({ verb: 'exec', pod, command: ['hostname'] })}'`,
    ].join('\n'),
  };
}

/** How the lab was started, as far as its events say it, where it differs from the defaults of `startLab`. */
function optionsOf(state: State): Readonly<Record<string, unknown>> {
  const parts = [...state.parts.values()];
  const of = (role: string) => parts.filter(({ id }) => id.startsWith(`${role}/`));
  const [server, agent] = [of('server')[0], of('agent')[0]];
  const [nodes, servers] = [of('kubelet').length, of('server').length];
  const strategies = server?.strategies ?? 'destHost,default';
  const keepalive = { agentsMs: agent?.keepaliveMs ?? 31_000, serversMs: server?.keepaliveMs ?? 30_000 };
  return {
    seed: Number(state.seed ?? 1),
    ...(nodes === 2 ? {} : { nodes }),
    ...(servers <= 1 ? {} : { servers }),
    ...(strategies === 'destHost,default' ? {} : { strategies: strategies.split(',') }),
    ...(keepalive.agentsMs === 31_000 && keepalive.serversMs === 30_000 ? {} : { keepalive }),
  };
}

/** A value as one writes it in code: names without quotes. */
function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(
    ([name, field]) => `${/^\w+$/.test(name) ? name : literal(name)}: ${literal(field)}`,
  );
  return `{ ${fields.join(', ')} }`;
}

function outcomeLine(request: RequestState | undefined, pod: string): string {
  const call = `lab.exec('${pod}', ['hostname'])`;
  if (request?.outcome !== 'failed') return `expect(await ${call}).toMatchObject({ exitCode: 0 });`;
  return `await expect(${call}).rejects.toMatchObject({ code: '${request.code ?? 'UNEXPECTED'}' });`;
}

/**
 * The command line of a request: this page and tests do not ask the API server. Events do not say which command an exec
 * ran, so `command` stands for it.
 */
export function kubectlLine(request: RequestState | undefined, command = '…'): string {
  const program = request?.node.startsWith('client/') === true ? 'konnsim' : 'kubectl';
  if (request?.verb.startsWith('log') === true) return `${program} logs ${request.target}`;
  return `${program} exec ${request?.target ?? 'web-1'} -- ${command}`;
}
