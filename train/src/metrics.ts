// How well a network reads, from its outputs: counted over real images only, never over padding.

import { decodeDigits, type Task } from '@millrace/infer'
import type { Objective } from './engine/objective.js'

/** Adds up over batches; all shares are of the images seen. */
export interface Metrics {
  readonly images: number
  /** Mean loss, summed over the heads. */
  readonly loss: number
  /** Share of images read right in full: every digit and the length, or the class. */
  readonly accuracy: number
  /** Share of the heads that count (digits up to the length) whose best class is the truth, by output. */
  readonly headAccuracy: Readonly<Record<string, number>>
}

/** Collects outputs batch by batch. */
export class MetricsCounter {
  readonly #task: Task
  readonly #objective: Objective
  #images = 0
  #loss = 0
  #right = 0
  readonly #headRight: number[]
  readonly #headCount: number[]

  constructor(task: Task, objective: Objective) {
    this.#task = task
    this.#objective = objective
    this.#headRight = objective.heads.map(() => 0)
    this.#headCount = objective.heads.map(() => 0)
  }

  /** `outputs` are probabilities [n, classes] by name, `labels` [n, labelWidth]. */
  add(outputs: ReadonlyMap<string, Float32Array>, labels: Float32Array, count: number): void {
    const { heads, labelWidth } = this.#objective
    for (let image = 0; image < count; image++) {
      const row = image * labelWidth
      for (const [index, { output, classes, truth }] of heads.entries()) {
        const expected = truth(labels, row)
        if (expected === undefined) continue
        const probabilities = outputs.get(output)!.subarray(image * classes, (image + 1) * classes)
        this.#headCount[index]!++
        this.#loss -= Math.log(Math.max(probabilities[expected]!, 1e-37))
        if (largestIndex(probabilities) === expected) this.#headRight[index]!++
      }
      if (this.#isRight(outputs, labels.subarray(row, row + labelWidth), image)) this.#right++
    }
    this.#images += count
  }

  get result(): Metrics {
    return {
      images: this.#images,
      loss: this.#loss / this.#images,
      accuracy: this.#right / this.#images,
      headAccuracy: Object.fromEntries(this.#objective.heads.map(({ output }, index) => [output, this.#headRight[index]! / Math.max(1, this.#headCount[index]!)])),
    }
  }

  #isRight(outputs: ReadonlyMap<string, Float32Array>, labels: Float32Array, image: number): boolean {
    const probabilities = (output: string): Float32Array => {
      const classes = this.#objective.heads.find((head) => head.output === output)!.classes
      return outputs.get(output)!.subarray(image * classes, (image + 1) * classes)
    }
    if (this.#task.kind === 'class') return largestIndex(probabilities(this.#task.output)) === labels[0]
    if (this.#task.kind === 'tensors') return false // objectiveOf has refused it
    const { lengthOutput, digitOutputs } = this.#task
    const reading = decodeDigits(probabilities(lengthOutput), digitOutputs.map(probabilities))
    const shown = labels.subarray(1, 1 + Math.min(labels[0]!, digitOutputs.length))
    return reading.length === labels[0] && reading.digits.slice(0, shown.length) === shown.join('')
  }
}

function largestIndex(values: Float32Array): number {
  let best = 0
  for (let index = 1; index < values.length; index++) if (values[index]! > values[best]!) best = index
  return best
}
