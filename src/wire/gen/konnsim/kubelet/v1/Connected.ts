// Original file: proto/kubelet.proto


export interface Connected {
}

export interface Connected__Output {
}
