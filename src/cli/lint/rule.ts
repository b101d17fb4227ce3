import { type Agent, knows, type Program, type Server } from './programs.js';

export type Severity = 'error' | 'warning' | 'note';

/** All that is checked together: what belongs to one cluster. */
export interface Setup {
  readonly servers: readonly Server[];
  readonly agents: readonly Agent[];
  /** The balancer's timers, ms; 0 when it has none. */
  readonly idleTimeoutMs: number;
  readonly maxAgeMs: number;
  /** How many servers run. Undefined when the command line does not say it. */
  readonly replicas: number | undefined;
}

/** A place that a rule speaks of. */
export interface Hit {
  /** Undefined for the balancer. */
  readonly program?: Program | undefined;
  /** The flag's name, also when it is missing. */
  readonly flag?: string | undefined;
  /** Where it is, if not where the flag's last value is. */
  readonly line?: number;
  /** The flag as it stands there. */
  readonly written?: string;
  /** What is so, with the values at hand. */
  readonly text: string;
}

export interface Rule {
  /** Stable. */
  readonly id: string;
  readonly severity: Severity;
  /** What it finds, one sentence. */
  readonly finds: string;
  /** What comes of it. */
  readonly why: string;
  /** What to do. */
  readonly fix: string;
  /** Issues, or the part of the sources that shows it. `ANP` is kubernetes-sigs/apiserver-network-proxy. */
  readonly evidence: string;
  readonly check: (setup: Setup) => readonly Hit[];
}

type Say<P> = (program: P, setup: Setup) => string | undefined;

/** Checks each server on its own. `flag` is the place, and its value must be known. */
export function eachServer(flag: string, say: Say<Server>): Rule['check'] {
  return (setup) =>
    setup.servers.flatMap((server) => hitsOf(server, { flag, needs: [flag] }, say(server, setup)));
}

/** The same for agents. `needs` are the flags whose values must be known. */
export function eachAgent(flag: string, say: Say<Agent>, needs: readonly string[] = [flag]): Rule['check'] {
  return (setup) => setup.agents.flatMap((agent) => hitsOf(agent, { flag, needs }, say(agent, setup)));
}

/** The same for a flag of both. */
export function eachProgram(flag: string, say: Say<Program>): Rule['check'] {
  return (setup) =>
    programsOf(setup).flatMap((program) => hitsOf(program, { flag, needs: [flag] }, say(program, setup)));
}

export function programsOf({ servers, agents }: Setup): readonly Program[] {
  return [...servers, ...agents];
}

interface Place {
  readonly flag: string;
  readonly needs: readonly string[];
}

function hitsOf(program: Program, { flag, needs }: Place, text: string | undefined): Hit[] {
  return text === undefined || !knows(program, ...needs) ? [] : [{ program, flag, text }];
}
