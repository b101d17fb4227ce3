import { programsOfText } from '../../../../src/cli/lint/command-text.js';
import { type FoundProgram, programsOfManifest } from '../../../../src/cli/lint/manifest.js';
import { readProgram } from '../../../../src/cli/lint/programs.js';
import type { Setup } from '../../../../src/cli/lint/rule.js';
import { applyRules, type Finding } from '../../../../src/cli/lint/rules.js';
import type { Role } from '../../../../src/cli/lint/words.js';

/** Undefined takes a flag out of the usual ones. */
export type Flags = Readonly<Record<string, string | undefined>>;

const usual: Readonly<Record<Role, Flags>> = {
  server: {
    'uds-name': '/run/k.sock',
    'server-port': '0',
    'cluster-cert': '/c/tls.crt',
    'cluster-key': '/c/tls.key',
    'cluster-ca-cert': '/c/ca.crt',
    'server-id': '$(POD)',
    'keepalive-time': '30s',
    'backend-dial-timeout': '30s',
    'graceful-shutdown-timeout': '20s',
  },
  agent: {
    'ca-cert': '/c/ca.crt',
    'agent-cert': '/c/tls.crt',
    'agent-key': '/c/tls.key',
    'proxy-server-host': 'servers.example',
    'agent-id': '$(NODE)',
    'keepalive-time': '30s',
  },
};

/** Flags as words: those of a set-up without findings, changed by these. */
export function words(role: Role, flags: Flags): string[] {
  return Object.entries({ ...usual[role], ...flags }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}=${value}`],
  );
}

export interface WorkloadOptions {
  readonly kind?: 'Pod' | 'Deployment' | 'DaemonSet';
  readonly replicas?: number;
  readonly flags?: Flags;
  readonly image?: string;
  readonly namespace?: string;
  /** More fields of the container, and of the pod's specification. */
  readonly container?: object;
  readonly spec?: object;
}

/** An object of Kubernetes that runs the program with its usual flags. */
export function workload(role: Role, options: WorkloadOptions = {}): object {
  const { kind = 'Deployment', flags = {}, image = 'mirror.example/tunnel', namespace, replicas } = options;
  const container = {
    name: role,
    image,
    command: [`/proxy-${role}`],
    args: words(role, flags),
    ...options.container,
  };
  const spec = { containers: [container], ...options.spec };
  const metadata = { name: `konnectivity-${role}`, ...(namespace === undefined ? {} : { namespace }) };
  if (kind === 'Pod') return { kind, metadata, spec };
  return { kind, metadata, spec: { ...(replicas === undefined ? {} : { replicas }), template: { spec } } };
}

/** What is linted together. */
export interface Sample {
  /** Each is one command line with the usual flags, changed by these. */
  readonly servers?: readonly Flags[];
  readonly agents?: readonly Flags[];
  /** Words behind the usual flags of one more server or agent. */
  readonly server?: string;
  readonly agent?: string;
  readonly objects?: readonly object[];
  readonly balancer?: Partial<Pick<Setup, 'idleTimeoutMs' | 'maxAgeMs' | 'replicas'>>;
}

export function findingsIn(sample: Sample): readonly Finding[] {
  const commands = (role: Role, flags: readonly Flags[] = [], more?: string): FoundProgram[] => {
    const texts = flags.map((one) => words(role, one).join(' '));
    if (more !== undefined) texts.push(`${words(role, {}).join(' ')} ${more}`);
    return texts.flatMap((text, index) => programsOfText(`${role}-${index}`, text, role));
  };
  const manifest = JSON.stringify({ kind: 'List', items: sample.objects ?? [] });
  return findingsOf(
    [
      ...commands('server', sample.servers, sample.server),
      ...commands('agent', sample.agents, sample.agent),
      ...programsOfManifest('manifest', manifest),
    ],
    sample.balancer,
  );
}

export function findingsOf(
  found: readonly FoundProgram[],
  balancer: Sample['balancer'] = {},
): readonly Finding[] {
  const programs = found.map(readProgram);
  return applyRules({
    servers: programs.filter((program) => program.role === 'server'),
    agents: programs.filter((program) => program.role === 'agent'),
    idleTimeoutMs: 0,
    maxAgeMs: 0,
    replicas: undefined,
    ...balancer,
  });
}
