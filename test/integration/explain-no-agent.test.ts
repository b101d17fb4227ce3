import { afterEach, describe, expect, it } from 'vitest';
import type { AgentOptions } from '../../src/agent/options.js';
import { type Explanation, explainRequest, type Lab, type LabOptions, startLab } from '../../src/index.js';
import { createCertificateSet, leafTls } from '../../src/pki/certificate-set.js';
import { askApi } from '../support/ask-api.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { waitMs } from '../support/waits.js';

const labs: Lab[] = [];
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop();
});

async function start(options: LabOptions): Promise<Lab> {
  const lab = await startLab(options);
  labs.push(lab);
  return lab;
}

const sentence = 'No agent available';
const log = '/api/v1/namespaces/default/pods/web-1/log';
const withinMs = waitMs;

/** The kinds of the events that an explanation names as its proof. */
function proofOf(lab: Lab, evidence: readonly number[] = []): string[] {
  return lab.events().flatMap(({ seq, kind, node }) => (evidence.includes(seq) ? [`${kind} ${node}`] : []));
}

describe('"No agent available" is explained', () => {
  it('by an agent that was killed, with the events that prove it', async () => {
    const lab = await start({ nodes: 2, strategies: ['destHost'] });
    const since = lab.mark();
    await lab.part('agent/node-1').kill();
    await lab.waitFor({ kind: 'backend.disconnected', peer: 'agent/node-1' }, { since, withinMs });
    await expect(lab.exec('web-1', ['true'])).rejects.toMatchObject({ code: 'NO_AGENT' });
    const told = lab.explain();
    const [cause] = told.causes;
    expect(told).toMatchObject({
      request: 'exec-1',
      asked: 'exec default/web-1/web',
      outcome: 'failed',
      line: sentence,
      code: 'NO_AGENT',
      saidBy: 'server/server-1',
      causes: [
        { cause: 'agent-dead', why: expect.stringMatching(/^agent\/node-1 was killed .+ earlier\.$/) },
      ],
    });
    expect(proofOf(lab, cause?.evidence)).toEqual([
      'role.killed agent/node-1',
      'backend.disconnected server/server-1',
      'dial.failed server/server-1',
    ]);
    expect(told.text).toContain(`#${cause?.evidence[0]}`);
    expect(told).toEqual(lab.explain('exec-1'));
  });

  it('by strategies for which no agent fits, with what each agent claims', async () => {
    const lab = await start({ nodes: 1, strategies: ['destHost'] });
    await expect(lab.dial('10.0.1.99', 10_250)).rejects.toMatchObject({ code: 'NO_AGENT' });
    const told = lab.explain();
    expect(told.causes).toMatchObject([{ cause: 'no-candidate' }]);
    expect(told.causes[0]?.why).toContain('destHost: no agent claims 10.0.1.99');
    expect(told.causes[0]?.why).toContain('agent/node-1 claims ipv4=10.0.1.11&host=node-1');
  });

  it('by a server that has just started again, with the time of the next try', async () => {
    const lab = await start({ nodes: 1, timeScale: 0.5 });
    const server = lab.part('server/server-1');
    let since = lab.mark();
    await server.kill();
    await lab.waitFor((event) => event.kind === 'agent.retry' && (event.delayMs ?? 0) > 1400, {
      since,
      withinMs,
    });
    since = lab.mark();
    const back = server.start();
    await lab.waitFor({ kind: 'role.started', node: 'server/server-1' }, { since, withinMs });
    await expect(lab.exec('web-1', ['true'])).rejects.toMatchObject({ code: 'NO_AGENT' });
    const told = lab.explain();
    expect(told.causes).toMatchObject([{ cause: 'server-just-started' }]);
    expect(told.causes[0]?.why).toMatch(
      /^server\/server-1 started again .+ earlier, and agent\/node-1 tried again only .+ later\./,
    );
    await back;
    expect(lab.explain('exec-1').causes[0]?.why).toMatch(/It was connected .+ after the failure\.$/);
  });

  it('by a server count that is too small', async () => {
    const lab = await start({ nodes: 1, servers: 2, serverCount: 1, apiservers: 2 });
    const answers = [1, 2].map((each) => askApi(lab, log, { url: lab.apiserver(each).url }));
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.sort((one, other) => one - other)).toEqual([200, 500]);
    const told = lab.explain();
    expect(told.causes).toMatchObject([{ cause: 'wrong-count' }]);
    expect(told.causes[0]?.why).toMatch(
      /agent\/node-1 looks for 1 server and is connected to server\/server-\d/,
    );
  });

  it('by a balancer that knows one server alone', async () => {
    const lab = await start({ nodes: 1, servers: 2, apiservers: 2, timeScale: 4 });
    const { servers } = lab['insides'].parts;
    const [first, second] = servers['servers'];
    servers['box']?.setTargets(0, [first?.server.agentAddress() ?? '']);
    const since = lab.mark();
    await second?.server.part.restart();
    let met = 0;
    await lab.waitFor(
      ({ kind, peer }) => kind === 'agent.retry' && peer === 'server/server-1' && ++met === 4,
      {
        since,
        withinMs: 4 * waitMs,
      },
    );
    const answer = await askApi(lab, log, { url: lab.apiserver(2).url });
    expect(answer).toMatchObject({ status: 500, text: expect.stringContaining(sentence) });
    const told = lab.explain();
    expect(told.causes).toMatchObject([{ cause: 'balancer' }]);
    expect(told.causes[0]?.why).toContain('all came to server/server-1, none to server/server-2');
  });
});

describe('"No agent available" of a server without a lab is explained', () => {
  /** What is said of a dial through a server whose only agent has these options. */
  async function explained(
    over: (bench: TunnelBench) => Promise<Partial<AgentOptions>>,
  ): Promise<Explanation> {
    const bench = await TunnelBench.create();
    try {
      const server = await bench.server();
      const { server: address = server.agentAddress, ...options } = await over(bench);
      await bench.agent(address, options).start();
      await bench.waitFor({ kind: 'agent.retry' });
      const client = bench.client(server, { emit: bench.journal.emit });
      await expect(client.dial(host, 1, { request: 'dial-1' })).rejects.toMatchObject({ code: 'NO_AGENT' });
      return explainRequest(bench.journal.events(), 'dial-1');
    } finally {
      await bench.close();
    }
  }

  it('by a name that the agent cannot resolve', async () => {
    const told = await explained(async () => ({ server: 'servers.invalid:8091' }));
    expect(told.causes).toMatchObject([{ cause: 'name-resolution', faults: 'D1' }]);
    expect(told.causes[0]?.why).toContain('servers.invalid:8091');
  });

  it('by a certificate that the server refuses, and by one that the agent refuses', async () => {
    const { cert, key, ca } = leafTls(await createCertificateSet(), 'agent');
    const refused = await explained(async (bench) => ({ tls: { ...bench.tls('agent'), cert, key } }));
    expect(refused.causes).toMatchObject([{ cause: 'agent-certificate' }]);
    const distrusted = await explained(async (bench) => ({ tls: { ...bench.tls('agent'), ca } }));
    expect(distrusted.causes).toMatchObject([{ cause: 'agent-certificate' }]);
  });

  it('by an address where no server listens', async () => {
    const told = await explained(async () => ({ server: `${host}:1` }));
    expect(told.causes).toMatchObject([{ cause: 'agent-cannot-connect' }]);
    expect(told.causes[0]?.why).toContain('connection refused');
  });
});
