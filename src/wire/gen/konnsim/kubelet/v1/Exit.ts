// Original file: proto/kubelet.proto


export interface Exit {
  'code'?: (number);
  /**
   * The command could not be run, or was cut.
   */
  'error'?: (string);
  'result'?: "code"|"error";
}

export interface Exit__Output {
  'code'?: (number);
  /**
   * The command could not be run, or was cut.
   */
  'error'?: (string);
  'result'?: "code"|"error";
}
