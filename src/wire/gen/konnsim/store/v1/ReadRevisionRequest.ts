// Original file: proto/store.proto


export interface ReadRevisionRequest {
}

export interface ReadRevisionRequest__Output {
}
