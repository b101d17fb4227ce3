// Original file: proto/client.proto


/**
 * From an agent: choose somebody else for new dials.
 */
export interface Drain {
}

/**
 * From an agent: choose somebody else for new dials.
 */
export interface Drain__Output {
}
