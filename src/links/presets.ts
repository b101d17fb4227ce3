import type { FaultDocument } from './fault-document.js';

interface Preset {
  /** Whose behaviour it is like, one sentence. */
  readonly like: string;
  readonly fault: FaultDocument;
}

/** Where streams go, one connection for each. */
const kubeletLinks = { from: 'agent/*', to: 'kubelet/*' } as const;

/** Timers of middleboxes and of kubelets, named after what they do. */
export const presets = {
  'idle-60s-drop': {
    like: 'A software-defined network whose rule for returning packets expires.',
    fault: { when: { idleFor: '60s' }, do: 'drop' },
  },
  'idle-60s-reset': {
    like: 'A firewall that resets what it has forgotten.',
    fault: { when: { idleFor: '60s' }, do: 'reset' },
  },
  'idle-60s-fin': {
    like: 'A classic load balancer that closes idle connections in order.',
    fault: { when: { idleFor: '60s' }, do: 'fin' },
  },
  'idle-350s-expire': {
    like: 'A network load balancer with a fixed idle time.',
    fault: { when: { idleFor: '350s' }, do: 'expire' },
  },
  'idle-260s-reset': {
    like: 'A cloud load balancer with an idle time of 4 min 20 s.',
    fault: { when: { idleFor: '260s' }, do: 'reset' },
  },
  'max-age-60s': {
    like: 'A proxy with a read timeout that runs from the start, so that it cuts busy streams, too.',
    fault: { when: { age: '60s' }, do: 'reset' },
  },
  'idle-20s-fin': {
    like: 'A balancer in front of API servers, with the short timeout of an example configuration.',
    fault: { when: { idleFor: '20s' }, do: 'fin' },
  },
  'idle-600s-fin': {
    like: 'The balancer of a cluster in containers.',
    fault: { when: { idleFor: '600s' }, do: 'fin' },
  },
  'stream-idle-60s-reset': {
    like: 'An ingress that resets a stream which carries no data, and keeps its connection.',
    fault: { when: { idleFor: '60s' }, do: 'resetStream' },
  },
  'stream-idle-60s-close': {
    like: 'An API gateway that closes such a stream without an error.',
    fault: { when: { idleFor: '60s' }, do: { resetStream: { code: 'NO_ERROR' } } },
  },
  'unacked-15m-reset': {
    like: 'A kernel that sends its bytes again for 15 min before it takes the connection for broken.',
    fault: { when: 'now', do: { drop: { giveUpAfter: '15m' } } },
  },
  'stream-idle-4h-close': {
    like: 'A kubelet, which ends exec, attach and port-forward without a byte: its `streamingConnectionIdleTimeout`.',
    fault: { on: kubeletLinks, when: { idleFor: '4h' }, do: 'fin' },
  },
  'stream-idle-5m-close': {
    like: 'A container runtime with a shorter limit than its kubelet.',
    fault: { on: kubeletLinks, when: { idleFor: '5m' }, do: 'fin' },
  },
} as const satisfies Readonly<Record<string, Preset>>;

/** The name of a fault that is ready to use, such as `idle-60s-drop` (`docs/faults.md`). */
export type PresetName = keyof typeof presets;
