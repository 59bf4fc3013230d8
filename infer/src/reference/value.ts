// What the reference's operations work on.

/** A node's value for one image: [height, width, channels] or [units], row by row, channels last. */
export interface Value {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Looks up one of a node's weights by its last name. */
export type NodeWeight = (part: string) => Float32Array

/** Height, width and channels of a value that has them. */
export function imageShape({ shape }: Value): [height: number, width: number, channels: number] {
  return [shape[0]!, shape[1]!, shape[2]!]
}
