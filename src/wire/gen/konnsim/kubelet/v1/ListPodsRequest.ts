// Original file: proto/kubelet.proto


export interface ListPodsRequest {
}

export interface ListPodsRequest__Output {
}
