// The label row that training wants of a record, checked.

import { labelValues, type ImageRecord } from '@millrace/recordio'
import { TrainError } from '../errors.js'

export interface LabelShape {
  readonly labelKind: 'digits' | 'class'
  readonly labelWidth: number
}

/**
 * [labelWidth] numbers. `place` names the record in errors.
 * @throws TrainError TRAIN_LABEL_KIND if the record's label has another width.
 */
export function recordLabels(record: ImageRecord, { labelKind, labelWidth }: LabelShape, place: string): Float32Array {
  const labels = labelValues(record)
  if (labels.length !== labelWidth) {
    throw new TrainError('TRAIN_LABEL_KIND', `${place}: the network learns ${labelKind} labels of ${labelWidth} value${labelWidth === 1 ? '' : 's'}, found ${labels.length}; pack the records for this network, or choose a network for these labels`)
  }
  return labels
}
