// The label row that training wants of a record, checked: a wrong one must not train in silence.

import { labelValues, type ImageRecord } from '@millrace/recordio'
import type { Objective } from '../engine/objective.js'
import { TrainError } from '../errors.js'

/** What a label row looks like, in plain values that can be sent to a thread. */
export interface LabelShape {
  readonly labelKind: 'digits' | 'class'
  readonly labelWidth: number
  /** How many classes each value of the label has: a value is a whole number from 0 to one less. */
  readonly classes: readonly number[]
}

/** A head stands in the objective where its value stands in the label. */
export function labelShapeOf({ labelKind, labelWidth, heads }: Objective): LabelShape {
  return { labelKind, labelWidth, classes: heads.map(({ classes }) => classes) }
}

/**
 * [labelWidth] numbers. `place` names the record in errors.
 * @throws TrainError TRAIN_LABEL_KIND if the record's label has another width, TRAIN_LABEL_RANGE if a value
 *   is no class of its head, or a digit within the length is blank.
 */
export function recordLabels(record: ImageRecord, { labelKind, labelWidth, classes }: LabelShape, place: string): Float32Array {
  const labels = labelValues(record)
  if (labels.length !== labelWidth) {
    throw new TrainError('TRAIN_LABEL_KIND', `${place}: the network learns ${labelKind} labels of ${labelWidth} value${labelWidth === 1 ? '' : 's'}, found ${labels.length}; pack the records for this network, or choose a network for these labels`)
  }
  const wrong = labels.findIndex((value, index) => !(Number.isInteger(value) && value >= 0 && value < classes[index]!))
  if (wrong !== -1) {
    const name = labelKind === 'class' ? 'a class' : wrong === 0 ? 'a length' : `digit ${wrong}`
    throw new TrainError('TRAIN_LABEL_RANGE', `${place}: expected ${name} from 0 to ${classes[wrong]! - 1}, found ${labels[wrong]}; correct the label and pack the records again`)
  }
  if (labelKind === 'digits') requireDigitsWithinLength(labels, place)
  return labels
}

/** Blank, the class after 9, is for the places past the length: a network that learnt it within would be asked for it, and never answer. */
function requireDigitsWithinLength(labels: Float32Array, place: string): void {
  const position = labels.subarray(1, 1 + labels[0]!).findIndex((value) => value > 9)
  if (position === -1) return
  throw new TrainError('TRAIN_LABEL_RANGE', `${place}: expected digit ${position + 1} of a number of ${labels[0]} from 0 to 9, found ${labels[1 + position]} (blank); correct the label and pack the records again`)
}
