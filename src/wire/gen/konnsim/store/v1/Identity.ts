// Original file: proto/store.proto


export interface Identity {
  'apiVersion'?: (string);
  'kind'?: (string);
  'namespace'?: (string);
  'name'?: (string);
}

export interface Identity__Output {
  'apiVersion': (string);
  'kind': (string);
  'namespace': (string);
  'name': (string);
}
