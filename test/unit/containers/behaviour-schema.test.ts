import { describe, expect, it } from 'vitest';
import { checkBehaviours } from '../../../src/containers/behaviour-schema.js';
import type { Behaviour } from '../../../src/containers/behaviours.js';
import { ManualClock } from '../../../src/core/clock.js';
import { ignoreEvents } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import { createRuntime } from '../../../src/lab/create-runtime.js';

const metadata = { name: 'web-0', namespace: 'default' };
const exec = (rule: object): object => ({ kind: 'Exec', metadata, spec: { execs: [{}, rule] } });
const at = 'behaviours[0].spec.execs[1]';

describe('documents with behaviours', () => {
  it('are accepted with all their fields', () => {
    const refused = { code: 'NotFound', message: 'gone' };
    const documents = [
      exec({
        containers: ['app'],
        match: { prefix: ['ls'] },
        answer: {
          ...{ delayMs: 1.5, stdout: 'o', bytes: 1e12, byteSource: 'seeded', seed: 7, stderr: 'e' },
          ...{ exitCode: 255, bytesPerSecond: 0.5, error: 'no', disconnectAfterBytes: 0 },
        },
        local: { workDir: '/', envs: [{ name: 'A', value: 'b' }] },
        refused: 'ResourceExhausted',
      }),
      {
        ...{ apiVersion: 'kwok.x-k8s.io/v1alpha1', kind: 'ClusterLogs', metadata: { name: 'all' } },
        spec: {
          selector: { matchNamespaces: ['default'], matchNames: [] },
          logs: [
            {
              logsFile: '/a',
              previousLogsFile: '/b',
              content: 'c',
              previousContent: 'd',
              follow: true,
              disconnectAfterBytes: 9,
              error: 'e',
            },
          ],
        },
      },
      {
        kind: 'Attach',
        metadata,
        spec: { attaches: [{ answer: { bytes: 5 }, content: 'c', logsFile: '/a', error: 'e', refused }] },
      },
      {
        ...{ kind: 'PortForward', metadata },
        spec: {
          forwards: [
            {
              ports: [80],
              target: { address: 'localhost', port: 1 },
              command: ['cat'],
              disconnectAfterBytes: 5,
              error: 'e',
              refused,
            },
          ],
        },
      },
    ];
    expect(checkBehaviours(documents)).toEqual(documents);
  });

  it.each([
    ['no list', 'behaviours: Invalid input: expected array, received string'],
    [[null], 'behaviours[0]: Invalid input: expected object, received null'],
    [
      [{ kind: 'Exek', metadata, spec: {} }],
      'behaviours[0].kind: must be one of Exec, ClusterExec, Logs, ClusterLogs, Attach, ClusterAttach, PortForward, ClusterPortForward',
    ],
    [
      [exec({}), { kind: 'Logs', metadata: { name: 'web-0' }, spec: { logs: [] } }],
      'behaviours[1].metadata.namespace: Invalid input: expected string, received undefined',
    ],
    [
      [{ kind: 'Exec', metadata, spec: {} }],
      'behaviours[0].spec.execs: Invalid input: expected array, received undefined',
    ],
    [
      [{ kind: 'Exec', metadata, spec: { logs: [], execs: [] } }],
      'behaviours[0].spec.logs: there is no such field',
    ],
    [[exec({ answer: { exitcode: 1 } })], `${at}.answer.exitcode: there is no such field`],
    [[exec({ answer: { exitCode: 256 } })], `${at}.answer.exitCode: Too big: expected number to be <=255`],
    [[exec({ answer: { bytes: -1 } })], `${at}.answer.bytes: Too small: expected number to be >=0`],
    [[exec({ answer: { bytes: 1.5 } })], `${at}.answer.bytes: Invalid input: expected int, received number`],
    [
      [exec({ answer: { bytesPerSecond: 0 } })],
      `${at}.answer.bytesPerSecond: Too small: expected number to be >0`,
    ],
    [
      [exec({ answer: { delayMs: '5s' } })],
      `${at}.answer.delayMs: Invalid input: expected number, received string`,
    ],
    [[exec({ match: { pattern: '(' } })], `${at}.match.pattern: is not a regular expression`],
    [
      [exec({ match: { regex: 'x' } })],
      `${at}.match: must be one of argv, prefix (lists of words) and pattern (a regular expression)`,
    ],
    [
      [exec({ refused: 'Aborted' })],
      `${at}.refused: must be one of ResourceExhausted, NotFound, Unavailable, or that as code with a message`,
    ],
    [
      [{ kind: 'PortForward', metadata, spec: { forwards: [{ ports: [80, 0] }] } }],
      'behaviours[0].spec.forwards[0].ports[1]: Too small: expected number to be >=1',
    ],
  ])('are refused with the path of what is wrong: %j', (documents, message) => {
    expect(() => checkBehaviours(documents)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message }),
    );
  });

  it('are checked before a sandbox starts', async () => {
    const behaviours = [exec({ answer: { exitCode: 'one' } })] as unknown as Behaviour[];
    const context = { clock: new ManualClock(), random: createRandom(1), emit: ignoreEvents };
    const options = { nodeName: 'node-1', pods: [], ...context, behaviours };
    await expect(createRuntime('sandbox', options)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${at}.answer.exitCode: Invalid input: expected number, received string`,
    });
  });
});
