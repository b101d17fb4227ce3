import { packageVersion } from '../control/package-version.js';

export function versionText(program: string): string {
  return `${program} of konnectivity-sim ${packageVersion()}, with the flags of Konnectivity v0.36\n`;
}
