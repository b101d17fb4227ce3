import { TunnelError } from '../core/errors.js';
import type { AccessOptions } from './auth/access-control.js';

/** Features that can be turned on. All are off by default, as in Kubernetes 1.32 to 1.35. */
export interface FeatureGates {
  /** `/containerLogs?stream=Stdout` or `Stderr`. Alpha since Kubernetes 1.32. */
  readonly PodLogsQuerySplitStreams?: boolean;
}

/** Settings of a kubelet, named as in KubeletConfiguration where it has them. */
export interface KubeletConfig {
  /** Who may ask for what. Default: any client certificate of the client CA, for everything. */
  readonly access?: AccessOptions;
  /** False refuses exec, attach, portForward, run, containerLogs, runningpods and logs with 405. Default true. */
  readonly enableDebuggingHandlers?: boolean;
  readonly featureGates?: FeatureGates;
  /** False refuses `/logs/` with 405. Default true. */
  readonly enableSystemLogHandler?: boolean;
  /** Streams that may be under way at a time between being asked for and being fetched. Default 1000. */
  readonly maxInFlightStreams?: number;
  /** How long a stream connection may be silent. Default 4 h. */
  readonly streamingConnectionIdleTimeoutMs?: number;
  /** How long a client may take to open the streams of a request. Default 30 s. */
  readonly streamCreationTimeoutMs?: number;
}

/** A configuration with its defaults filled in. */
export type KubeletSettings = Required<Omit<KubeletConfig, 'featureGates'>> & {
  readonly featureGates: Required<FeatureGates>;
};

/** Throws CONFIG_INVALID for a feature gate that there is not. */
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

/** The answer to `/configz`: what is in force here, in the words of KubeletConfiguration. */
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
