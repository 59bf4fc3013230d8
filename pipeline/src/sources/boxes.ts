// Where every format's boxes are checked, and turned into a label.
//
//   four finite numbers, xmin < xmax, ymin < ymax, and some of the box inside the image: else the image is
//   rejected, or packed without that box ('drop'), which `ignored` counts
//   reaching past the image: clamped, and the sample marked as adjusted
//   a class that there is not: the image is rejected

import { PipelineError } from '../errors.js'
import type { BoxesLabel, ClassBox } from '../label.js'
import type { Annotation, SizedLabel } from './join-images.js'
import type { BoxUnit, PixelSize } from './source-options.js'

/** A box as an annotation has it; its edges, not its first and last pixels. */
export interface AnnotatedBox {
  readonly class: number
  readonly xmin: number
  readonly ymin: number
  readonly xmax: number
  readonly ymax: number
  /** Not to be counted. Default false. */
  readonly ignore?: boolean
  /** Where it stands, for errors: "train.csv line 7". Default: where the annotation stands. */
  readonly from?: string
}

export interface BoxesOptions {
  readonly unit: BoxUnit
  /** Where the annotation stands, for errors. */
  readonly from: string
  /** What becomes of an image with a box that cannot be: rejected by name, or packed without that box. */
  readonly badBoxes: 'reject' | 'drop'
  /** Counts the dropped boxes by reason. Default: nobody does. */
  readonly ignored?: Map<string, number>
  /** How many classes there are. Default: any number from 0 is one. */
  readonly classCount?: number
}

/**
 * The label of an image's boxes, and the regions that they mark, in pixels.
 * @throws PipelineError PIPE_BOX, PIPE_BOX_OUTSIDE, PIPE_LABEL for a class that there is not
 */
export function boxesLabel(boxes: readonly AnnotatedBox[], size: PixelSize, options: BoxesOptions): SizedLabel {
  const { width, height } = size
  const [across, down] = options.unit === 'pixels' ? [width, height] : [1, 1]
  const kept: ClassBox[] = []
  const dropped: string[] = []
  let clamped = 0
  for (const box of boxes) {
    checkClass(box, options)
    const error = findFault(box, across, down, size, options)
    if (error && options.badBoxes === 'reject') throw error
    if (error) {
      dropped.push(error.message)
      const reason = error.code === 'PIPE_BOX' ? 'inverted or empty box' : 'box outside its image'
      options.ignored?.set(reason, (options.ignored.get(reason) ?? 0) + 1)
      continue
    }
    if (box.xmin < 0 || box.ymin < 0 || box.xmax > across || box.ymax > down) clamped++
    kept.push(toShares(box, across, down))
  }
  const adjusted = describeAdjusted(clamped, dropped, size)
  return {
    label: { kind: 'boxes', width, height, boxes: kept },
    regions: kept.map(({ xmin, ymin, xmax, ymax }) => ({ left: xmin * width, top: ymin * height, width: (xmax - xmin) * width, height: (ymax - ymin) * height })),
    ...(adjusted !== undefined && { adjusted }),
  }
}

/**
 * What an annotation says with its boxes: the label where the size is known (or why there is none), else
 * how to make it once the image's header has told the size.
 */
export function annotateBoxes(boxes: readonly AnnotatedBox[], size: PixelSize | undefined, options: BoxesOptions): Pick<Annotation, 'label' | 'regions' | 'adjusted' | 'toLabel' | 'error'> {
  const unsized: BoxesLabel = { kind: 'boxes', width: 0, height: 0, boxes }
  if (size === undefined) return { label: unsized, toLabel: (found) => boxesLabel(boxes, found, options) }
  try {
    return boxesLabel(boxes, size, options)
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { label: unsized, error }
  }
}

function checkClass({ class: number, from }: AnnotatedBox, { classCount = Infinity, from: place }: BoxesOptions): void {
  if (Number.isInteger(number) && number >= 0 && number < classCount) return
  throw new PipelineError('PIPE_LABEL', `${from ?? place}: expected a class from 0${classCount === Infinity ? '' : ` to ${classCount - 1}`} for the box, found ${number}; correct the annotation or the class names`)
}

/** Finite edges too: the least and the greatest are the only ones that could be infinite. */
function findFault({ xmin, ymin, xmax, ymax, from }: AnnotatedBox, across: number, down: number, { width, height }: PixelSize, { unit, from: place }: BoxesOptions): PipelineError | undefined {
  const isBox = xmin < xmax && ymin < ymax && xmin > -Infinity && ymin > -Infinity && xmax < Infinity && ymax < Infinity
  if (isBox && xmin < across && ymin < down && xmax > 0 && ymax > 0) return undefined
  const found = `${xmin},${ymin} to ${xmax},${ymax}`
  if (!isBox) {
    return new PipelineError('PIPE_BOX', `${from ?? place}: expected a box with xmin < xmax and ymin < ymax, found ${found}; correct the annotation, or drop such boxes (bad boxes)`)
  }
  return new PipelineError('PIPE_BOX_OUTSIDE', `${from ?? place}: expected every box to overlap the image of ${width}x${height}, found ${found} (${unit}); correct the annotation, say what boxes are measured in, or drop such boxes (bad boxes)`)
}

function toShares({ class: number, xmin, ymin, xmax, ymax, ignore }: AnnotatedBox, across: number, down: number): ClassBox {
  return {
    class: number,
    xmin: Math.max(0, xmin / across),
    ymin: Math.max(0, ymin / down),
    xmax: Math.min(1, xmax / across),
    ymax: Math.min(1, ymax / down),
    ...(ignore === true && { ignore }),
  }
}

function describeAdjusted(clamped: number, dropped: readonly string[], { width, height }: PixelSize): string | undefined {
  const done = [
    ...(clamped > 0 ? [`${clamped} of its boxes reached past the image of ${width}x${height} and were clamped`] : []),
    ...(dropped.length > 0 ? [`${dropped.length} of its boxes were dropped: ${dropped[0]}`] : []),
  ]
  return done.length > 0 ? done.join('; ') : undefined
}
