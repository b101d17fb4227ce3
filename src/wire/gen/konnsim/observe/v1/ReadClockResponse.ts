// Original file: proto/observe.proto


export interface ReadClockResponse {
  'nowMs'?: (number | string);
}

export interface ReadClockResponse__Output {
  'nowMs': (number);
}
