// Original file: proto/observe.proto


export interface ReadClockRequest {
}

export interface ReadClockRequest__Output {
}
