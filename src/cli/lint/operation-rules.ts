import { durationText } from '../../dropin/flags/go-duration.js';
import type { Probe } from './pod-facts.js';
import { isLoopback, knows, type Program } from './programs.js';
import { eachProgram, eachServer, type Hit, programsOf, type Rule, type Setup } from './rule.js';

/** The agent's own limit of a dial, fixed, ms. */
const agentDialMs = 5000;
const longGraceSeconds = 60;

/** Dial limits, the end of a program, ports and probes. */
export const operationRules: readonly Rule[] = [
  {
    id: 'dial-timeout-off',
    severity: 'warning',
    finds: 'With HTTP CONNECT, dials through an agent have no time limit.',
    why: 'A dial that the agent does not answer stays for ever, with its socket and its memory. kube-apiserver does not end it either.',
    fix: 'Set --backend-dial-timeout=30s, from v0.36.',
    evidence: 'ANP#855, ANP#789, kubernetes/kubernetes#140512',
    check: eachServer('backend-dial-timeout', ({ values }) =>
      values['backend-dial-timeout'] === 0 && values.mode === 'http-connect'
        ? 'unanswered dials stay for ever'
        : undefined,
    ),
  },
  {
    id: 'dial-timeout-off-grpc',
    severity: 'note',
    finds: 'With gRPC, only the API server limits the time of dials.',
    why: 'It gives up after 30 s. A dial that is being sent to a stalled agent blocks the other dials of that agent until then.',
    fix: 'Set --backend-dial-timeout, from v0.36: then the server also drops the stalled agent.',
    evidence: 'ANP#855',
    check: eachServer('backend-dial-timeout', ({ values }) =>
      values['backend-dial-timeout'] === 0 && values.mode === 'grpc'
        ? 'only the 30s of the API server limit a dial'
        : undefined,
    ),
  },
  {
    id: 'dial-timeout-below-agents',
    severity: 'warning',
    finds: "The server's time limit of dials is not longer than the agent's, which is 5 s.",
    why: 'Users see “timed out waiting for backend dial” and not the reason, which the agent sends after 5 s.',
    fix: 'Set --backend-dial-timeout to 10s or more.',
    evidence: 'dial timeout of the agent, fixed at 5 s',
    check: eachServer('backend-dial-timeout', ({ values }) =>
      values['backend-dial-timeout'] > 0 && values['backend-dial-timeout'] <= agentDialMs
        ? `dials end after ${durationText(values['backend-dial-timeout'])}`
        : undefined,
    ),
  },
  {
    id: 'shutdown-without-limit',
    severity: 'note',
    finds: 'With gRPC, a server that ends waits for its frontends without limit.',
    why: 'Its agents are cut at once all the same, and with them open commands. It ends when the last frontend is gone, or by SIGKILL.',
    fix: 'Set --graceful-shutdown-timeout, from v0.35, to less than terminationGracePeriodSeconds. Released agents leave about 1 s after such an end begins, so commands are cut in any case.',
    evidence: 'ANP#866; shutdown of the server',
    check: eachServer('graceful-shutdown-timeout', ({ values, release }) =>
      values['graceful-shutdown-timeout'] === 0 && values.mode === 'grpc' && (release ?? 35) >= 35
        ? 'its end has no time limit'
        : undefined,
    ),
  },
  {
    id: 'shutdown-longer-than-grace-period',
    severity: 'warning',
    finds: "A server's graceful shutdown is not shorter than the grace period of its pod.",
    why: 'The kubelet kills it before it is done, and its lease stays for up to 30 s.',
    fix: 'Raise terminationGracePeriodSeconds above --graceful-shutdown-timeout.',
    evidence: 'Kubernetes sends SIGKILL after 30 s by default',
    check: eachServer('graceful-shutdown-timeout', ({ values, pod }) => {
      const timeoutMs = values['graceful-shutdown-timeout'];
      return pod !== undefined && timeoutMs > 0 && timeoutMs >= pod.graceSeconds * 1000
        ? `it may take ${durationText(timeoutMs)}, and the pod has ${pod.graceSeconds} s`
        : undefined;
    }),
  },
  {
    id: 'agent-drains-long',
    severity: 'note',
    finds: "The grace period of an agent's pod is longer than 1 min.",
    why: 'A released agent drains at SIGTERM and does not end by itself. Its pod stays for the whole period, so a rollout takes that long for each node.',
    fix: 'Choose terminationGracePeriodSeconds as long as commands may take to finish, and no longer.',
    evidence: 'ANP#566; signals of the agent',
    check: ({ agents }) =>
      agents.flatMap((program) => {
        const graceSeconds = program.pod?.graceSeconds ?? 0;
        if (graceSeconds <= longGraceSeconds) return [];
        return [{ program, text: `it stays for ${graceSeconds} s after SIGTERM` }];
      }),
  },
  {
    id: 'port-used-twice',
    severity: 'error',
    finds: 'Two ports of a program have the same number.',
    why: 'The second one cannot listen, and the program ends.',
    fix: 'Give each port its own number.',
    evidence: 'flags of both',
    check: (setup) => programsOf(setup).flatMap(clash),
  },
  {
    id: 'probe-misses-health-port',
    severity: 'error',
    finds: 'A probe of the pod does not ask the health port.',
    why: 'It fails always: the container is restarted for ever, or never becomes ready.',
    fix: 'Probe the port of --health-port (server) or --health-server-port (agent), at an address where it listens.',
    evidence: '/healthz and /readyz are on that port only',
    check: (setup) =>
      programsOf(setup).flatMap((program) =>
        (program.pod?.probes ?? []).flatMap((probe) => missedProbe(program, probe)),
      ),
  },
  {
    id: 'liveness-needs-peers',
    severity: 'warning',
    finds: 'A liveness probe asks /readyz.',
    why: 'It fails without the other side. So a broken network restarts all agents or servers, again and again, and keeps them from finding each other.',
    fix: 'Let the liveness probe ask /healthz.',
    evidence: 'health ports of ANP',
    check: (setup) => readyProbes(setup, 'liveness', () => true),
  },
  {
    id: 'readiness-needs-agents',
    severity: 'note',
    finds: "A server's readiness probe asks /readyz, which needs an agent.",
    why: 'When agents come through a Service, they reach ready servers only. A new server then never gets an agent, and never becomes ready.',
    fix: 'Set publishNotReadyAddresses in that Service, or let the readiness probe ask /healthz.',
    evidence: 'kubermatic/kubermatic#16303',
    check: (setup) =>
      readyProbes(setup, 'readiness', ({ role, pod }) => role === 'server' && pod?.hostNetwork === false),
  },
  {
    id: 'profiling-exposed',
    severity: 'warning',
    finds: 'The profiler can be reached from other hosts.',
    why: 'Profiles tell much about the program, and making them costs it time.',
    fix: 'Set --admin-bind-address=127.0.0.1, or leave --enable-profiling out.',
    evidence: 'admin ports of ANP',
    check: eachProgram('admin-bind-address', ({ values }) =>
      values['enable-profiling'] && !isLoopback(values['admin-bind-address'])
        ? `profiles are on ${values['admin-bind-address'] === '' ? 'all addresses' : values['admin-bind-address']}`
        : undefined,
    ),
  },
];

interface Listener {
  readonly flag: string;
  readonly host: string;
  readonly port: number;
}

function listeners(program: Program): readonly Listener[] {
  const { role, values } = program;
  if (role === 'agent') {
    return [
      { flag: 'health-server-port', host: values['health-server-host'], port: values['health-server-port'] },
      { flag: 'admin-server-port', host: values['admin-bind-address'], port: values['admin-server-port'] },
    ];
  }
  const frontend = { flag: 'server-port', host: values['server-bind-address'], port: values['server-port'] };
  return [
    ...(values['uds-name'] === '' ? [frontend] : []),
    { flag: 'agent-port', host: values['agent-bind-address'], port: values['agent-port'] },
    { flag: 'health-port', host: values['health-bind-address'], port: values['health-port'] },
    { flag: 'admin-port', host: values['admin-bind-address'], port: values['admin-port'] },
  ];
}

function clash(program: Program): Hit[] {
  const all = listeners(program).filter(({ flag }) => knows(program, flag));
  return all.flatMap((one, index) => {
    const other = all.slice(0, index).find(({ port, host }) => port === one.port && overlap(host, one.host));
    if (other === undefined) return [];
    return [{ program, flag: one.flag, text: `--${other.flag} and --${one.flag} are both ${one.port}` }];
  });
}

function overlap(one: string, other: string): boolean {
  return one === other || [one, other].some((host) => ['', '0.0.0.0', '::'].includes(host));
}

function missedProbe(program: Program, { kind, port, host, line }: Probe): Hit[] {
  const isServer = program.role === 'server';
  const flag = isServer ? 'health-port' : 'health-server-port';
  const health = listeners(program).find((one) => one.flag === flag);
  if (health === undefined || port === undefined || !knows(program, flag)) return [];
  const text =
    port !== health.port
      ? `the ${kind} probe asks port ${port}, and health is on ${health.port}`
      : isLoopback(health.host) && !isLoopback(host)
        ? `the ${kind} probe asks the pod's address, and health is on ${health.host}`
        : undefined;
  return text === undefined ? [] : [{ program, flag, line, text }];
}

function readyProbes(setup: Setup, kind: Probe['kind'], concerns: (program: Program) => boolean): Hit[] {
  return programsOf(setup)
    .filter(concerns)
    .flatMap((program) =>
      (program.pod?.probes ?? [])
        .filter((probe) => probe.kind === kind && /^\/readyz?$/.test(probe.path))
        .map(({ line, path }) => ({ program, line, text: `the ${kind} probe asks ${path}` })),
    );
}
