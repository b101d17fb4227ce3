import { TunnelError } from '../../core/errors.js';

/** The document at `/version`. Clients choose their requests by `minor`. */
export interface VersionInfo {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly gitTreeState: string;
  readonly buildDate: string;
  readonly goVersion: string;
  readonly compiler: string;
  readonly platform: string;
}

/** The Kubernetes release that the façade behaves like. */
export const defaultVersion = '1.33.1';

/** For a release such as `1.33.1` or `v1.33.1`; build details are those of 1.33.1. Throws CONFIG_INVALID. */
export function versionInfo(release: string): VersionInfo {
  const parsed = /^v?(\d+)\.(\d+)(\.\d+\S*)?$/.exec(release);
  if (parsed === null) {
    throw new TunnelError(
      'CONFIG_INVALID',
      `${JSON.stringify(release)} is not a Kubernetes version like 1.33.1`,
      { where: 'apiserver version' },
    );
  }
  const [, major = '', minor = '', patch = '.0'] = parsed;
  return {
    major,
    minor,
    gitVersion: `v${major}.${minor}${patch}`,
    gitCommit: '8adc0f041b8e7ad1d30e29cc59c6ae7a15e19828',
    gitTreeState: 'clean',
    buildDate: '2025-05-15T08:19:08Z',
    goVersion: 'go1.24.2',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}
