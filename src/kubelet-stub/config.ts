import { TunnelError } from '../core/errors.js';
import type { AccessOptions } from './auth/access-control.js';

/** Features that can be turned on. All are off by default, as in Kubernetes 1.32 to 1.35. */
export interface FeatureGates {
  /** `/containerLogs?stream=Stdout` or `Stderr`. Alpha since Kubernetes 1.32. Default false. */
  readonly PodLogsQuerySplitStreams?: boolean;
}

/** The settings of a kubelet that a lab can change, named as in KubeletConfiguration where it has them. */
export interface LabKubeletConfig {
  /** False refuses exec, attach, portForward, run, containerLogs, runningpods and logs with 405. Default true. */
  readonly enableDebuggingHandlers?: boolean;
  /** Features to turn on. Default: all are off. */
  readonly featureGates?: FeatureGates;
  /** False refuses `/logs/` with 405. Default true. */
  readonly enableSystemLogHandler?: boolean;
  /** The highest number of streams that were requested and not yet fetched by their client. Default 1000. */
  readonly maxInFlightStreams?: number;
  /** How long a stream connection may be silent, ms. Default 4 h. */
  readonly streamingConnectionIdleTimeoutMs?: number;
  /** How long a client may take to open the streams of a request, ms. Default 30 s. */
  readonly streamCreationTimeoutMs?: number;
}

/** All settings of a kubelet. */
export interface KubeletConfig extends LabKubeletConfig {
  /** Who may ask for what. Default: any client certificate of the client CA, for everything. */
  readonly access?: AccessOptions;
}

/** A configuration with its defaults filled in. */
export type KubeletSettings = Required<Omit<KubeletConfig, 'featureGates'>> & {
  readonly featureGates: Required<FeatureGates>;
};

/** Throws CONFIG_INVALID for an unknown feature gate. */
export function settingsOf(config: KubeletConfig): KubeletSettings {
  return {
    access: config.access ?? {},
    enableDebuggingHandlers: config.enableDebuggingHandlers ?? true,
    enableSystemLogHandler: config.enableSystemLogHandler ?? true,
    featureGates: gatesOf(config.featureGates ?? {}),
    maxInFlightStreams: config.maxInFlightStreams ?? 1000,
    streamingConnectionIdleTimeoutMs: config.streamingConnectionIdleTimeoutMs ?? 4 * 3_600_000,
    streamCreationTimeoutMs: config.streamCreationTimeoutMs ?? 30_000,
  };
}

const defaultGates: Required<FeatureGates> = { PodLogsQuerySplitStreams: false };

function gatesOf(given: FeatureGates): Required<FeatureGates> {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(defaultGates, name));
  if (unknown === undefined) return { ...defaultGates, ...given };
  throw new TunnelError('CONFIG_INVALID', `featureGates: unrecognized feature gate: ${unknown}`);
}

/** The answer to `/configz`: the settings in force, named as in KubeletConfiguration. */
export function configz(
  settings: KubeletSettings,
  address: { readonly host: string; readonly port: number },
): object {
  const { access, enableDebuggingHandlers, enableSystemLogHandler, streamingConnectionIdleTimeoutMs } =
    settings;
  return {
    kubeletconfig: {
      kind: 'KubeletConfiguration',
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      enableServer: true,
      address: address.host,
      port: address.port,
      readOnlyPort: 0,
      authentication: {
        webhook: { enabled: access.tokens !== undefined },
        anonymous: { enabled: access.anonymous ?? false },
      },
      authorization: { mode: access.authorizer === undefined ? 'AlwaysAllow' : 'Webhook' },
      streamingConnectionIdleTimeout: goDuration(streamingConnectionIdleTimeoutMs),
      enableDebuggingHandlers,
      enableSystemLogHandler,
      enableSystemLogQuery: false,
      featureGates: settings.featureGates,
      enableProfilingHandler: false,
      enableDebugFlagsHandler: false,
    },
  };
}

/** Go's text of a duration, such as `4h0m0s`. */
export function goDuration(durationMs: number): string {
  const seconds = (durationMs % 60_000) / 1000;
  const minutes = Math.floor(durationMs / 60_000) % 60;
  const hours = Math.floor(durationMs / 3_600_000);
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
