import { packageVersion } from '../cli/package-version.js';

/** The text of `--version` of a drop-in program. */
export function versionText(program: string): string {
  return `${program} of konnectivity-sim ${packageVersion()}, with the flags of Konnectivity v0.36\n`;
}
