import { isIPv4, isIPv6 } from 'node:net';
import { type AgentIdentifiers, parseAgentIdentifiers } from '../../core/identifiers.js';
import type { StrategyName } from '../../core/strategy.js';
import { readStrategies } from '../../dropin/server/server-checks.js';
import { type Agent, knows, type Server } from './programs.js';
import { hasReference } from './read-flags.js';
import { eachAgent, eachServer, type Rule, type Setup } from './rule.js';

const flag = 'proxy-strategies';
const identifiers = 'agent-identifiers';

/** Which agent a server gives a dial to: strategies, and what agents say they serve. */
export const routingRules: readonly Rule[] = [
  {
    id: 'cidr-identifier-unused',
    severity: 'warning',
    finds: 'An agent identifies itself by a network (cidr=).',
    why: 'Servers read it, and no strategy uses it. Dials to that network go to any agent, or to none.',
    fix: 'Name single addresses (ipv4=, ipv6=, host=), or use default-route=true for agents that reach all of it.',
    evidence: 'ANP#144',
    check: eachAgent(
      identifiers,
      (agent) => {
        const nets = parsed(agent)?.cidr ?? [];
        return nets.length > 0 ? `no strategy uses cidr=${nets.join(', cidr=')}` : undefined;
      },
      [],
    ),
  },
  {
    id: 'no-agent-for-strategies',
    severity: 'error',
    finds: "None of a server's strategies takes any of the agents.",
    why: 'Each dial ends with “No agent available”, although agents are connected.',
    fix: 'Give the agents identifiers (host=, ipv4=, ipv6= for destHost, default-route=true for defaultRoute), or add default at the end of --proxy-strategies.',
    evidence: 'k0sproject/k0s#3784, ANP#316',
    check: eachServer(flag, (server, setup) => {
      const used = strategiesIn(server, setup);
      return used.length > 0 && used.every(({ isUsed }) => !isUsed)
        ? `${namesOf(used)} ${used.length === 1 ? 'takes' : 'take'} none of the agents`
        : undefined;
    }),
  },
  {
    id: 'first-strategy-empty',
    severity: 'error',
    finds: "A server's first strategy takes none of the agents.",
    why: '/readyz looks at the first strategy only. It answers 500 for ever, although dials find agents.',
    fix: 'Give the agents the identifiers of that strategy, or put another strategy first.',
    evidence: "readiness of ANP's server",
    check: eachServer(flag, (server, setup) => {
      const [first, ...others] = strategiesIn(server, setup);
      return first?.isUsed === false && others.some(({ isUsed }) => isUsed)
        ? `${first.name} takes none of the agents, so /readyz never succeeds`
        : undefined;
    }),
  },
  {
    id: 'strategy-unused',
    severity: 'note',
    finds: "A server's later strategy takes none of the agents.",
    why: 'It finds no agent, and the server asks the next one.',
    fix: 'Give agents the identifiers of that strategy, or remove it.',
    evidence: "backend choice of ANP's server",
    check: eachServer(flag, (server, setup) => {
      const used = strategiesIn(server, setup);
      const empty = used.slice(1).filter(({ isUsed }) => !isUsed);
      return empty.length > 0 && used.some(({ isUsed }) => isUsed)
        ? `${namesOf(empty)} ${empty.length === 1 ? 'takes' : 'take'} none of the agents`
        : undefined;
    }),
  },
  {
    id: 'strategy-after-default',
    severity: 'warning',
    finds: 'A strategy stands behind default.',
    why: 'Strategies are asked in order, and default takes any agent. So the later ones never choose.',
    fix: 'Put default last.',
    evidence: "backend choice of ANP's server",
    check: eachServer(flag, (server) => {
      const names = strategiesOf(server);
      const after = names.slice(names.indexOf('default') + 1);
      return names.includes('default') && after.length > 0
        ? `${after.join(' and ')} ${after.length === 1 ? 'is' : 'are'} never asked behind default`
        : undefined;
    }),
  },
  {
    id: 'identifiers-unused',
    severity: 'note',
    finds: 'An agent has identifiers that no strategy of the servers uses.',
    why: 'Dials go to any agent, so also to one on another node.',
    fix: 'Set --proxy-strategies=destHost,default at the servers, or with defaultRoute between them.',
    evidence: "backend choice of ANP's server",
    check: eachAgent(identifiers, unusedIdentifiers, []),
  },
  {
    id: 'identifier-never-equal',
    severity: 'warning',
    finds: 'An identifier can never equal the host of a dial, or does not mean true.',
    why: 'destHost compares texts: a network, a port, a bracket or another spelling of the address never matches. Only 1, t, T, true, TRUE and True switch default-route on.',
    fix: 'Write one address or name for each identifier, IPv6 in its short form and in lower case.',
    evidence: "backend choice of ANP's server; ParseBool of Go",
    check: eachAgent(identifiers, oddIdentifier, []),
  },
];

/** Undefined for identifiers that a variable holds, and for those that the agent refuses. */
function parsed({ values }: Agent): AgentIdentifiers | undefined {
  const text = values[identifiers];
  if (hasReference(text) && !text.includes('=')) return undefined;
  const read = parseAgentIdentifiers(text);
  return 'fault' in read ? undefined : read;
}

function strategiesOf(server: Server): readonly StrategyName[] {
  const read = readStrategies(server.values['proxy-strategies']);
  return 'fault' in read ? [] : read.value;
}

function takes(strategy: StrategyName, { ipv4, ipv6, host, defaultRoute }: AgentIdentifiers): boolean {
  if (strategy === 'default') return true;
  return strategy === 'defaultRoute' ? defaultRoute : ipv4.length + ipv6.length + host.length > 0;
}

interface UsedStrategy {
  readonly name: StrategyName;
  readonly isUsed: boolean;
}

/** Which strategies take an agent. Empty when not all agents are known. */
function strategiesIn(server: Server, { agents }: Setup): readonly UsedStrategy[] {
  const known = agents.flatMap((agent) => parsed(agent) ?? []);
  if (known.length === 0 || known.length < agents.length) return [];
  return strategiesOf(server).map((name) => ({ name, isUsed: known.some((one) => takes(name, one)) }));
}

function namesOf(strategies: readonly UsedStrategy[]): string {
  return strategies.map(({ name }) => name).join(' and ');
}

function unusedIdentifiers(agent: Agent, { servers }: Setup): string | undefined {
  const strategies = servers.flatMap(strategiesOf);
  const own = parsed(agent);
  if (own === undefined || strategies.length === 0 || !servers.every((one) => knows(one, flag)))
    return undefined;
  const unused = (['destHost', 'defaultRoute'] as const).filter(
    (name) => takes(name, own) && !strategies.includes(name),
  );
  return unused.length > 0 ? `no server has the strategy ${unused.join(' or ')}` : undefined;
}

function oddIdentifier(agent: Agent): string | undefined {
  const known = parsed(agent);
  if (known === undefined) return undefined;
  const route = new URLSearchParams(agent.values[identifiers]).get('default-route');
  if (route !== null && !known.defaultRoute && route.toLowerCase() !== 'false' && !hasReference(route)) {
    return `default-route=${route} does not mean true`;
  }
  const odd = [
    ...known.ipv4.filter((text) => !isIPv4(text)).map((text) => `ipv4=${text}`),
    ...known.ipv6.filter((text) => !isIPv6(text) || shortForm(text) !== text).map((text) => `ipv6=${text}`),
    ...known.host.filter((text) => /[/[\]]|^[^:]*:\d+$/.test(text)).map((text) => `host=${text}`),
  ].filter((text) => !hasReference(text));
  return odd.length > 0
    ? `${odd.join(', ')} never ${odd.length === 1 ? 'equals' : 'equal'} the host of a dial`
    : undefined;
}

function shortForm(ipv6: string): string {
  return new URL(`http://[${ipv6.replace(/%.*/, '')}]`).hostname.slice(1, -1);
}
