import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { programsOfText } from '../../../../src/cli/lint/command-text.js';
import { type FoundProgram, programsOfManifest } from '../../../../src/cli/lint/manifest.js';
import { findingsOf, type Sample } from './support.js';

const textOf = (file: string): string => readFileSync(new URL(`setups/${file}`, import.meta.url), 'utf8');
const manifest = (file: string): FoundProgram[] => programsOfManifest(file, textOf(file));

/** `LINE ID`, in the order of the lines. */
function found(programs: readonly FoundProgram[], balancer: Sample['balancer'] = {}): string[] {
  return findingsOf(programs, balancer).map(({ rule, line }) => `${line} ${rule.id}`);
}

describe('set-ups as people have them:', () => {
  it('a static pod with tokens, three of it, behind a timer of 60 s', () => {
    expect(found(manifest('static-pod.yaml'), { idleTimeoutMs: 60_000, replicas: 3 })).toEqual([
      '11 keepalive-above-idle-timer',
      '11 server-id-missing',
      '11 dial-timeout-off-grpc',
      '28 server-count-below-replicas',
      '61 server-name-is-address',
      '65 keepalive-equals-idle-timer',
      '66 cidr-identifier-unused',
      '66 identifiers-unused',
    ]);
  });

  it('servers of three controllers, as ps shows them', () => {
    const servers = programsOfText('controllers.txt', textOf('controllers.txt'), 'server');
    expect(found(servers)).toEqual([
      '2 keepalive-too-long',
      '2 dial-timeout-off-grpc',
      '2 shutdown-without-limit',
      '3 keepalive-too-long',
      '3 server-count-below-replicas',
      '3 server-counts-differ',
      '3 dial-timeout-off-grpc',
      '3 shutdown-without-limit',
      '4 keepalive-too-long',
      '4 server-id-shared',
      '4 dial-timeout-off-grpc',
      '4 shutdown-without-limit',
    ]);
  });

  it('a hosted control plane with HTTP CONNECT and agents on both sides', () => {
    expect(found(manifest('hosted.yaml'), { idleTimeoutMs: 60_000 })).toEqual([
      '17 server-id-missing',
      '17 dial-timeout-off',
      '31 one-ca-for-agents-and-frontends',
      '46 frontend-keepalive-unused',
      '99 agent-port-differs',
      '107 liveness-needs-peers',
    ]);
  });
});
