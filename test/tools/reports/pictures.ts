// Samples for the tests of the reports: plain colours, and labels of every kind.

import type { ClassBox, Label, Sample, Source } from '@millrace/pipeline'

/** An image of one colour. */
export function plainSample(index: number, label: Label, size: { readonly width: number; readonly height: number } = { width: 40, height: 30 }): Sample {
  const data = new Uint8Array(size.width * size.height * 3).fill(90)
  return { id: BigInt(index), key: `${index}.png`, label, image: () => Promise.resolve({ data, ...size, channels: 3 }) }
}

export function boxesLabel(boxes: readonly ClassBox[], width = 40, height = 30): Label {
  return { kind: 'boxes', width, height, boxes }
}

export function sourceOf(samples: readonly Sample[], classNames?: readonly string[]): Source {
  return {
    labelKind: samples[0]!.label.kind,
    ...(classNames && { classNames }),
    count: () => Promise.resolve(samples.length),
    async *[Symbol.asyncIterator]() {
      yield* samples
    },
  }
}
