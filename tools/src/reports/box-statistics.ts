// Counts and sizes of the boxes of a data set: those of its labels, or the regions that digits are marked with.

import type { ClassBox, PixelBox, Sample } from '@millrace/pipeline'
import { Distribution, Distribution2D, Tally, type Cell, type Spread } from './distribution.js'

export interface BoxStatistics {
  readonly count: number
  readonly ignored: number
  /** Without a width or height above 0; they have no part in what follows. */
  readonly inverted: number
  /** Samples by how many boxes they have. */
  readonly perSample: Readonly<Record<string, number>>
  /** Pixels. */
  readonly sizes: readonly Cell[]
  readonly width?: Spread
  readonly height?: Spread
  /** Of the image's area. */
  readonly share?: Spread
  /** Width over height, in pixels. */
  readonly aspect?: Spread
}

type LabelledBoxes = Pick<Sample, 'label' | 'regions'>

/** Counts the boxes of sample after sample. */
export class BoxCounter {
  #count = 0
  #ignored = 0
  #inverted = 0
  readonly #perSample = new Tally()
  readonly #sizes = new Distribution2D()
  readonly #width = new Distribution()
  readonly #height = new Distribution()
  readonly #share = new Distribution()
  readonly #aspect = new Distribution()

  /** An image of no size: its boxes are counted, not measured. */
  add(sample: LabelledBoxes, imageWidth: number, imageHeight: number): void {
    const boxes = boxesOf(sample, imageWidth, imageHeight)
    if (boxes.length > 0 || sample.label.kind === 'boxes') this.#perSample.add(boxes.length)
    for (const { width, height, ignore } of boxes) {
      this.#count++
      if (ignore) this.#ignored++
      if (imageWidth === 0) continue
      if (!(width > 0 && height > 0)) {
        this.#inverted++
        continue
      }
      this.#sizes.add(width, height)
      this.#width.add(width)
      this.#height.add(height)
      this.#share.add((width * height) / (imageWidth * imageHeight))
      this.#aspect.add(width / height)
    }
  }

  result(): { readonly boxes?: BoxStatistics } {
    if (this.#perSample.isEmpty) return {}
    const [width, height, share, aspect] = [this.#width, this.#height, this.#share, this.#aspect].map((each) => each.result())
    return {
      boxes: {
        count: this.#count, ignored: this.#ignored, inverted: this.#inverted, perSample: this.#perSample.result(), sizes: this.#sizes.result(),
        ...(width && { width }), ...(height && { height }), ...(share && { share }), ...(aspect && { aspect }),
      },
    }
  }
}

/** What the annotation marks, in pixels of the image. */
function boxesOf({ label, regions = [] }: LabelledBoxes, width: number, height: number): readonly (PixelBox & { readonly ignore?: boolean })[] {
  if (label.kind !== 'boxes') return regions
  return label.boxes.map(({ xmin, ymin, xmax, ymax, ignore = false }: ClassBox) => ({ left: xmin * width, top: ymin * height, width: (xmax - xmin) * width, height: (ymax - ymin) * height, ignore }))
}
