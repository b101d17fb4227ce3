// Original file: proto/kubelet.proto


export interface PortForwardStart {
  'namespace'?: (string);
  'pod'?: (string);
  'port'?: (number);
}

export interface PortForwardStart__Output {
  'namespace': (string);
  'pod': (string);
  'port': (number);
}
