// Original file: proto/kubelet.proto


export interface ExecStart {
  'namespace'?: (string);
  'pod'?: (string);
  'container'?: (string);
  /**
   * When set, the pod must have this uid.
   */
  'uid'?: (string);
  'command'?: (string)[];
  'stdin'?: (boolean);
  'stdout'?: (boolean);
  /**
   * Dropped with `tty`.
   */
  'stderr'?: (boolean);
  'tty'?: (boolean);
}

export interface ExecStart__Output {
  'namespace': (string);
  'pod': (string);
  'container': (string);
  /**
   * When set, the pod must have this uid.
   */
  'uid': (string);
  'command': (string)[];
  'stdin': (boolean);
  'stdout': (boolean);
  /**
   * Dropped with `tty`.
   */
  'stderr': (boolean);
  'tty': (boolean);
}
