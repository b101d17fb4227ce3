import { Command } from 'commander';
import type { Lab } from '../../lab/lab.js';
import { startLab } from '../../lab/start-lab.js';
import { showCut, showExec, showLogs, showPortForward } from '../demo/chapters.js';
import { Stage } from '../demo/stage.js';
import type { CommandEnd } from '../main.js';
import { listenForSignals } from '../signals.js';
import { createTerminal } from '../terminal.js';
import { option, wholeNumber } from '../values.js';

interface DemoFlags {
  readonly seed?: number;
}

const picture = `
   you ──► proxy-server ◄── agent ──► kubelet ──► container
                             the agent dials OUT; nothing dials in`;

/** `konnsim demo`: a guided tour of a few seconds, in one process, without kubectl. */
export function demoCommand(end: CommandEnd): Command {
  return new Command('demo')
    .description('see a request travel: logs, exec and port-forward through the tunnel, and a cut that heals')
    .addOption(
      option('--seed <number>', 'repeats the random choices of a run').argParser(wholeNumber(0, 2 ** 32 - 1)),
    )
    .action(async (flags: DemoFlags) => {
      end.exitCode = await run(flags);
    });
}

async function run({ seed }: DemoFlags): Promise<number> {
  const terminal = createTerminal();
  const stage = new Stage(terminal, performance.now());
  stage.line(
    terminal.style('bold', 'konnsim demo: how a control plane reaches into nodes that only dial out'),
  );
  stage.line(picture);
  stage.line('');
  stage.note('starting an API façade, a proxy-server and two nodes with agent and kubelet …');
  const startedAt = performance.now();
  // Nobody stands in for a node's agent here, so that its loss can be seen.
  const lab = await startLab({ strategies: ['destHost'], ...(seed === undefined ? {} : { seed }) });
  const interruption = listenForSignals();
  try {
    stage.note(`ready in ${Math.round(performance.now() - startedAt)} ms (seed ${lab.seed})`);
    const interrupted = interruption.wanted.then((code) => ({ code }));
    const told = tell(lab, stage).then(() => ({ code: 0 }));
    // A failure after an interruption is the interruption's, and nobody's any more.
    told.catch(() => undefined);
    return (await Promise.race([told, interrupted])).code;
  } finally {
    await lab.stop();
    interruption.dispose();
  }
}

async function tell(lab: Lab, stage: Stage): Promise<void> {
  await showLogs(lab, stage);
  await showExec(lab, stage);
  await showPortForward(lab, stage);
  await showCut(lab, stage);
  stage.line('');
  stage.note(
    `that was all of it, in ${stage.elapsed()}. Next: \`konnsim up\`, then kubectl or \`konnsim exec\`.`,
  );
}
