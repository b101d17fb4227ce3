import { Command } from 'commander';
import type { Lab } from '../../lab/lab.js';
import type { LabOptions } from '../../lab/options.js';
import { showCut, showExec, showLogs, showPortForward } from '../demo/chapters.js';
import { Stage } from '../demo/stage.js';
import type { Invocation } from '../invocation.js';
import { createTerminal, type Terminal } from '../terminal.js';
import { option, wholeNumber } from '../values.js';
import { withLab } from '../with-lab.js';

interface DemoFlags {
  readonly seed?: number;
}

const picture = `
   you ──► proxy-server ◄── agent ──► kubelet ──► container
                             the agent dials OUT; nothing dials in`;

/** `konnsim demo`: a guided tour of a few seconds, in one process, without kubectl. */
export function demoCommand(invocation: Invocation): Command {
  return new Command('demo')
    .description('show logs, exec and port-forward through the tunnel, and how a cut heals')
    .addOption(
      option('--seed <number>', 'repeats the random choices of a run').argParser(wholeNumber(0, 2 ** 32 - 1)),
    )
    .action(async (flags: DemoFlags) => {
      invocation.exitCode = await run(flags, createTerminal(invocation.colour));
    });
}

async function run({ seed }: DemoFlags, terminal: Terminal): Promise<number> {
  const stage = new Stage(terminal, performance.now());
  stage.line(
    terminal.style('bold', 'konnsim demo: how a control plane reaches into nodes that only dial out'),
  );
  stage.line(picture);
  stage.line('');
  stage.note('starting an API façade, a proxy-server and two nodes with agent and kubelet …');
  const startedAt = performance.now();
  // Without another strategy no other agent takes the dials of a lost one, so that its loss can be seen.
  const options: LabOptions = { strategies: ['destHost'], ...(seed === undefined ? {} : { seed }) };
  return withLab({
    lab: options,
    use: async (lab, interruption) => {
      stage.note(`ready in ${Math.round(performance.now() - startedAt)} ms (seed ${lab.seed})`);
      const told = tell(lab, stage).then(() => 0);
      // After an interruption, a failure of the demo is not reported.
      told.catch(() => undefined);
      return Promise.race([told, interruption.wanted]);
    },
  });
}

async function tell(lab: Lab, stage: Stage): Promise<void> {
  await showLogs(lab, stage);
  await showExec(lab, stage);
  await showPortForward(lab, stage);
  await showCut(lab, stage);
  stage.line('');
  stage.note(`this demo took ${stage.elapsed()}. Next: \`konnsim up\`, then kubectl or \`konnsim exec\`.`);
}
