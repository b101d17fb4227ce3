// Original file: proto/kubelet.proto


export interface HalfClose {
}

export interface HalfClose__Output {
}
