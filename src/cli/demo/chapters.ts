import { connect } from 'node:net';
import { text as readAll } from 'node:stream/consumers';
import { TunnelError } from '../../core/errors.js';
import type { Lab } from '../../lab/lab.js';
import { errorLines } from '../terminal.js';
import type { Stage } from './stage.js';

export async function showLogs(lab: Lab, stage: Stage): Promise<void> {
  stage.begin(
    'Logs',
    'The kubelet of node-2 is asked for a log. It cannot be dialled; its agent dialled out before.',
  );
  await lab.waitFor({ kind: 'agent.connected', node: 'agent/node-2' });
  stage.command('konnsim logs web-2');
  const mark = lab.mark();
  const chunks: Uint8Array[] = [];
  for await (const chunk of lab.logs('web-2')) chunks.push(chunk);
  stage.output(Buffer.concat(chunks).toString('utf8'));
  const { request } = await lab.waitFor(
    { kind: 'request.finished', node: 'client/lab', verb: 'logs' },
    { since: mark },
  );
  await stage.ladder(lab, request ?? '');
}

export async function showExec(lab: Lab, stage: Stage): Promise<void> {
  stage.begin(
    'Exec, with an exit code',
    'stdin, stdout, stderr and the exit code share one connection of the tunnel.',
  );
  stage.command("echo 'over the tunnel' | konnsim exec -i web-1 -- sh -c 'hostname; cat; exit 7'");
  const command = ['sh', '-c', 'hostname; cat; exit 7'];
  const outcome = await lab.exec('web-1', command, { stdin: 'over the tunnel\n' });
  stage.output(outcome.stdout);
  stage.note(`exit code ${outcome.exitCode}`);
  await stage.ladder(lab, outcome.request);
}

export async function showPortForward(lab: Lab, stage: Stage): Promise<void> {
  stage.begin('Port-forward', 'A local listener, and a TCP connection to port 8080 of the pod.');
  stage.command('konnsim port-forward web-2 :8080');
  const forward = await lab.portForward('web-2', 8080);
  stage.output(`Forwarding from ${forward.host}:${forward.port} -> 8080`);
  stage.command(`curl http://127.0.0.1:${forward.port}/hello`);
  stage.output(await httpGet(forward.port, '/hello'));
  await forward.close();
  await stage.ladder(lab, forward.request);
}

/** Kills the agent during a command, and waits until all works again. */
export async function showCut(lab: Lab, stage: Stage): Promise<void> {
  const sentence =
    'The agent of node-1 is killed while a command runs. What does the user see, and how does it heal?';
  stage.begin('The agent dies during an exec', sentence);
  stage.command('konnsim exec web-1 -- sleep 3600');
  const mark = lab.mark();
  const running = lab
    .exec('web-1', ['sleep', '3600'])
    .then(noFailure, (error: unknown) => TunnelError.from(error));
  const started = await lab.waitFor({ kind: 'request.started', node: 'kubelet/node-1' }, { since: mark });
  const cutAt = performance.now();
  await lab.part('agent/node-1').kill();
  stage.note('killed agent/node-1');
  stage.failure(errorLines(await running));
  stage.note(`the user knew after ${Math.round(performance.now() - cutAt)} ms`);
  stage.note('kubectl would exit 0 and say nothing: kube-apiserver takes the cut for the end of the command');
  await stage.ladder(lab, started.request ?? '');
  await showHealing(lab, stage);
}

async function showHealing(lab: Lab, stage: Stage): Promise<void> {
  stage.line('');
  stage.command('konnsim exec web-1 -- hostname');
  const failed = await lab
    .exec('web-1', ['hostname'])
    .then(noFailure, (error: unknown) => TunnelError.from(error));
  stage.failure(errorLines(failed));
  const mark = lab.mark();
  const restartedAt = performance.now();
  await lab.part('agent/node-1').start();
  await lab.waitFor({ kind: 'backend.connected', peer: 'agent/node-1' }, { since: mark });
  stage.note(
    `agent/node-1 is back: it dialled out and was connected after ${Math.round(performance.now() - restartedAt)} ms`,
  );
  stage.command('konnsim exec web-1 -- hostname');
  stage.output((await lab.exec('web-1', ['hostname'])).stdout);
}

function noFailure(): never {
  throw new TunnelError('INTERNAL', 'the command succeeded although its agent was gone');
}

/** The body of one answer, over a new connection, so that nothing stays open. */
async function httpGet(port: number, path: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n`);
  const answer = await readAll(socket);
  return answer.slice(answer.indexOf('\r\n\r\n') + 4);
}
