// Original file: proto/kubelet.proto


export interface ContainerSummary {
  'name'?: (string);
  'image'?: (string);
  'ready'?: (boolean);
  'restartCount'?: (number);
  /**
   * "running", "waiting" or "terminated".
   */
  'state'?: (string);
}

export interface ContainerSummary__Output {
  'name': (string);
  'image': (string);
  'ready': (boolean);
  'restartCount': (number);
  /**
   * "running", "waiting" or "terminated".
   */
  'state': (string);
}
