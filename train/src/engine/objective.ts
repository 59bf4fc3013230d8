// What a network is trained for: the loss of its heads, and its gradient in the logits. Plain loops:
// a head has a few dozen values an image.

import type { Graph, Task } from '@millrace/infer'
import { TrainError } from '../errors.js'

/** The loss of one head. */
interface HeadLoss {
  /** The softmax output's name, which also names the head in logs. */
  readonly output: string
  readonly classes: number
  /** The true class of an image from its label row; undefined where the head does not count. */
  readonly truth: (labels: Float32Array, begin: number) => number | undefined
}

export interface Objective {
  readonly heads: readonly HeadLoss[]
  /** Label values of one image. */
  readonly labelWidth: number
  /** The label kind that records must have. */
  readonly labelKind: 'digits' | 'class'
}

/**
 * The objective that fits the graph's task. Digits: cross-entropy of the length and of each digit up to
 * the length; heads past the length do not count, since nothing is asked of them when reading
 * (Goodfellow et al., 2014, section 4). The losses of the heads are summed.
 * @throws TrainError TRAIN_OPERATION for a graph that gives tensors
 */
export function objectiveOf(graph: Graph, shapes: ReadonlyMap<string, readonly number[]>): Objective {
  const classes = (output: string): number => shapes.get(output)!.at(-1)!
  const task: Task = graph.task
  if (task.kind === 'class') {
    const head = { output: task.output, classes: classes(task.output), truth: (labels: Float32Array, begin: number) => labels[begin]! }
    return { heads: [head], labelWidth: 1, labelKind: 'class' }
  }
  if (task.kind === 'tensors') throw new TrainError('TRAIN_OPERATION', `graph ${graph.name}: gives tensors, for which there is no loss; give it a task of classes or digits`)
  const { lengthOutput, digitOutputs } = task
  const length: HeadLoss = {
    output: lengthOutput,
    classes: classes(lengthOutput),
    truth: (labels, begin) => Math.min(labels[begin]!, classes(lengthOutput) - 1),
  }
  const digits = digitOutputs.map((output, position): HeadLoss => ({
    output,
    classes: classes(output),
    truth: (labels, begin) => (position < labels[begin]! ? labels[begin + 1 + position]! : undefined),
  }))
  return { heads: [length, ...digits], labelWidth: 1 + digitOutputs.length, labelKind: 'digits' }
}

/**
 * Softmax cross-entropy −ln p[truth] of `count` rows of logits, averaged over the whole batch, and its
 * gradient (p − 1[truth]) / count. Rows whose head does not count have no loss and no gradient.
 */
export function crossEntropy(head: HeadLoss, logits: Float32Array, labels: Float32Array, labelWidth: number, gradient: Float32Array): number {
  const { classes } = head
  const count = logits.length / classes
  let loss = 0
  for (let row = 0; row < count; row++) {
    const begin = row * classes
    const truth = head.truth(labels, row * labelWidth)
    if (truth === undefined) {
      gradient.fill(0, begin, begin + classes)
      continue
    }
    if (!(Number.isInteger(truth) && truth >= 0 && truth < classes)) {
      throw new TrainError('TRAIN_LABEL_RANGE', `head "${head.output}": label ${truth} is not one of its ${classes} classes (0 … ${classes - 1}); check the label kind and the class count of the records`)
    }
    let largest = -Infinity
    for (let i = 0; i < classes; i++) largest = Math.max(largest, logits[begin + i]!)
    let sum = 0
    for (let i = 0; i < classes; i++) sum += Math.exp(logits[begin + i]! - largest)
    loss += largest + Math.log(sum) - logits[begin + truth]!
    for (let i = 0; i < classes; i++) gradient[begin + i] = Math.exp(logits[begin + i]! - largest) / sum / count
    gradient[begin + truth]! -= 1 / count
  }
  return loss / count
}
