// Does a record's label fit what the .meta says of all labels?

import { labelValues, type ImageRecord } from './image-header.js'
import { guessLabelKind } from './label-statistics.js'
import type { MetaHeader } from './meta-layout.js'

/** What is wrong with the label, in words; `undefined` if it is right. */
export function labelFault(record: ImageRecord, { labelKind, labelWidth, classNames }: MetaHeader): string | undefined {
  const values = labelValues(record)
  const wrong = values.find((value) => !Number.isFinite(value))
  if (wrong !== undefined) return `expected finite numbers in the label, found ${wrong}`
  if (labelWidth > 0 && values.length !== labelWidth) return `expected a label of ${labelWidth} numbers, found ${values.length}`
  if (labelKind === 'values') return undefined
  if (labelKind !== 'class') return guessLabelKind(record) === labelKind ? undefined : `expected a label of kind ${labelKind}, found ${shown(values)}`
  const [label = 0] = values
  if (!Number.isInteger(label) || label < 0) return `expected a class number from 0, found ${shown(values)}`
  if (classNames && label >= classNames.length) return `expected a class below ${classNames.length}, as many as there are names, found ${label}`
  return undefined
}

function shown(values: Float32Array): string {
  const text = [...values.subarray(0, 12)].join(' ')
  return values.length > 12 ? `${text} … (${values.length} numbers)` : text
}
