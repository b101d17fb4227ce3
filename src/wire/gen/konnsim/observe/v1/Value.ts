// Original file: proto/observe.proto


export interface Value {
  'text'?: (string);
  'number'?: (number | string);
  'value'?: "text"|"number";
}

export interface Value__Output {
  'text'?: (string);
  'number'?: (number);
  'value'?: "text"|"number";
}
