import { Command } from 'commander';
import { exitCodes } from '../exit-codes.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { readInputs } from '../lint/read-inputs.js';
import { countOf, findingLines, jsonReport, summary } from '../lint/report.js';
import { applyRules } from '../lint/rules.js';
import { createTerminal } from '../terminal.js';
import { durationMs, option, wholeNumber } from '../values.js';

interface LintFlags {
  readonly serverFlags?: readonly string[];
  readonly agentFlags?: readonly string[];
  readonly idleTimeout: number;
  readonly maxAge: number;
  readonly replicas?: number;
  readonly output: 'text' | 'json';
}

/** `konnsim lint`: what the flags of a real cluster's servers, agents and balancer will lead to. */
export function lintCommand(invocation: Invocation): Command {
  return new Command('lint')
    .description('read the flags of real proxy-servers and agents, and warn of what will break')
    .argument('[file...]', 'Kubernetes manifests, YAML or JSON; - is stdin')
    .addOption(
      option('--server-flags <file>', 'command lines of proxy-servers; may be given several times').argParser(
        addFile,
      ),
    )
    .addOption(
      option('--agent-flags <file>', 'the same for agents; a named program decides by itself').argParser(
        addFile,
      ),
    )
    .addOption(
      option('--idle-timeout <duration>', 'after which the network or balancer forgets an idle connection')
        .argParser(durationMs)
        .default(0, 'not known'),
    )
    .addOption(
      option('--max-age <duration>', 'after which the balancer ends any connection')
        .argParser(durationMs)
        .default(0, 'never'),
    )
    .addOption(
      option('--replicas <number>', 'how many proxy-servers there are').argParser(wholeNumber(1, 1000)),
    )
    .addOption(
      option('--output <format>', 'readable lines, or JSON').choices(['text', 'json']).default('text'),
    )
    .addHelpText(
      'after',
      `${examples(
        'konnsim lint konnectivity-server.yaml konnectivity-agent.yaml --idle-timeout 60s --replicas 3',
        'kubectl -n kube-system get daemonset konnectivity-agent -o yaml | konnsim lint -',
        'ps -ww -o args= -C proxy-server | konnsim lint --server-flags - --output json',
      )}

Exit codes: 0 nothing but notes, 4 errors or warnings, 2 a file cannot be read. docs/lint.md has all rules.`,
    )
    .action(async (files: readonly string[], flags: LintFlags) => {
      invocation.exitCode = await run(files, flags, invocation);
    });
}

async function run(manifests: readonly string[], flags: LintFlags, invocation: Invocation): Promise<number> {
  const { serverFlags = [], agentFlags = [] } = flags;
  const programs = await readInputs({ manifests, serverFlags, agentFlags });
  const findings = applyRules({
    servers: programs.filter((program) => program.role === 'server'),
    agents: programs.filter((program) => program.role === 'agent'),
    idleTimeoutMs: flags.idleTimeout,
    maxAgeMs: flags.maxAge,
    replicas: flags.replicas,
  });
  const terminal = createTerminal(invocation.colour);
  if (flags.output === 'json') terminal.data(jsonReport(findings, programs));
  else for (const finding of findings) terminal.data(findingLines(finding, terminal).join('\n'));
  if (flags.output === 'text') terminal.say(summary(findings, programs));
  const isClean = countOf(findings, 'error') + countOf(findings, 'warning') === 0;
  return isClean ? exitCodes.ok : exitCodes.expectationFailed;
}

function addFile(text: string, soFar: readonly string[] | undefined): string[] {
  return [...(soFar ?? []), text];
}
