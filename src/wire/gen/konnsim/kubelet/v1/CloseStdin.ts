// Original file: proto/kubelet.proto


export interface CloseStdin {
}

export interface CloseStdin__Output {
}
