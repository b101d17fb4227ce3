import { randomInt } from 'node:crypto';
import { Command } from 'commander';
import { TunnelError } from '../../core/errors.js';
import type { EventSink } from '../../core/events.js';
import { createRandom } from '../../core/random.js';
import { type Balance, balances } from '../../links/balance.js';
import type { Edge } from '../../links/edge.js';
import type { FlowVerdict } from '../../links/flow.js';
import { Links } from '../../links/links.js';
import { type MiddleboxRoute, startMiddlebox } from '../../links/middlebox.js';
import { startHealthServer } from '../../observe/health.js';
import { createMiddleboxMetrics } from '../../observe/middlebox-metrics.js';
import { addFaultOptions, type FaultFlags, faultsOf } from '../faults.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { type CommonFlags, commonOptions, runRole } from '../role.js';
import { durationMs, hostPort, option, portNumber } from '../values.js';

interface MiddleboxFlags extends CommonFlags, FaultFlags {
  readonly listen: readonly string[];
  readonly to: readonly (readonly string[])[];
  readonly idleTimeout: number;
  readonly onIdle: FlowVerdict;
  readonly balance: Balance;
  readonly healthPort: number;
  readonly healthAddress: string;
  readonly name: string;
}

/** `konnsim middlebox`: the network device between control plane and nodes. */
export function middleboxCommand(invocation: Invocation): Command {
  const command = new Command('middlebox')
    .description('run a TCP device between two networks: a flow table with an idle timer, a balancer')
    .addOption(
      option('--listen <address>', 'HOST:PORT where it accepts flows; may be given several times')
        .argParser(collectAddresses)
        .makeOptionMandatory(),
    )
    .addOption(
      option(
        '--to <addresses>',
        'target of these flows, for each --listen in order; several, with commas, are used in turn',
      )
        .argParser(collectTargets)
        .makeOptionMandatory(),
    )
    .addOption(
      option('--idle-timeout <duration>', 'forget a flow that carries no bytes for this time; 0 means never')
        .argParser(durationMs)
        .default(0, 'never'),
    )
    .addOption(
      option(
        '--on-idle <verdict>',
        'drop: lose later bytes without telling the ends; reset: reset both ends; fin: end both in order',
      )
        .choices(['drop', 'reset', 'fin'])
        .default('drop'),
    )
    .addOption(option('--health-address <address>', 'where the health port listens').default('127.0.0.1'))
    .addOption(
      option('--health-port <port>', '/healthz, /readyz, /metrics').argParser(portNumber).default(8096),
    )
    .addOption(option('--certs <folder>', 'certificates of the admin port').default('certs'))
    .addOption(commonOptions.adminPort())
    .addOption(commonOptions.adminAddress())
    .addOption(option('--name <name>', 'its name in events').default('middlebox'));
  command.addOption(
    option('--balance <way>', 'how a target is chosen').choices(balances).default('roundRobin'),
  );
  return addFaultOptions(command)
    .addHelpText(
      'after',
      examples(
        'konnsim middlebox --listen 127.0.0.1:9091 --to 127.0.0.1:8091 --idle-timeout 60s --on-idle drop',
        'konnsim middlebox --listen 127.0.0.1:9091 --to 127.0.0.1:8091,127.0.0.1:8191',
        'konnsim middlebox --listen 127.0.0.1:9091 --to 127.0.0.1:8091 --fault max-age-60s',
      ),
    )
    .action(async (flags: MiddleboxFlags) => {
      invocation.exitCode = await run(flags);
    });
}

function run(flags: MiddleboxFlags): Promise<number> {
  return runRole(flags, async ({ clock, emit: tell }, started) => {
    const emit: EventSink = (event) => {
      tell(event);
      links.faults.see(event);
    };
    const random = createRandom(randomInt(2 ** 32));
    const targets = flags.to.flat();
    const edges = (): Edge[] => targets.map((to) => ({ from: 'client/*', to: `target/${to}` }));
    const links = new Links({ node: `middlebox/${flags.name}`, clock, random, emit, edges });
    if (flags.idleTimeout > 0) links.faults.set({ when: { idleFor: flags.idleTimeout }, do: flags.onIdle });
    for (const fault of await faultsOf(flags)) links.faults.set(fault);
    const device = await startMiddlebox({ name: flags.name, routes: routesOf(flags), links, clock, emit });
    started(async () => {
      await device.close();
      links.close();
    });
    const health = await startHealthServer({
      host: flags.healthAddress,
      port: flags.healthPort,
      style: 'server',
      clock,
      ready: () => ({ ok: true, text: '' }),
      metrics: createMiddleboxMetrics(() => device.counts()),
    });
    started(() => health.close());
    return [
      ...device.addresses.map((address, index) => `flows ${address} → ${flags.to[index]?.join(', ')}`),
      `health ${health.host}:${health.port}`,
    ];
  });
}

function routesOf({ listen, to, balance }: MiddleboxFlags): MiddleboxRoute[] {
  if (listen.length !== to.length) {
    throw new TunnelError('USAGE', `there are ${listen.length} --listen, but ${to.length} --to`, {
      hint: 'Give each --listen its --to, in the same order.',
    });
  }
  return listen.map((address, index) => ({ listen: address, to: to[index] ?? [], balance }));
}

function collectAddresses(text: string, soFar: readonly string[] | undefined): string[] {
  return [...(soFar ?? []), hostPort(text)];
}

function collectTargets(text: string, soFar: readonly (readonly string[])[] | undefined): string[][] {
  return [...(soFar ?? []).map((targets) => [...targets]), text.split(',').map(hostPort)];
}
