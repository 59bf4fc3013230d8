// Boxes in pixels beside a size that the annotation file gives: the image's own header decides.

import { PipelineError } from '../errors.js'
import { boxesLabel, type AnnotatedBox, type BoxesOptions } from './boxes.js'
import type { SizedLabel } from './join-images.js'
import type { PixelSize } from './source-options.js'

/** How far the shapes of an image and of its shrunken copy may lie apart: a pixel rounded away at 100. */
const shapeTolerance = 0.01

/**
 * Makes the label from the image's size. Where the annotation gives another (0x0, or none, counts as none
 * given), the image was made smaller or larger after it was annotated, and boxes are in the pixels of then;
 * the sample is marked as adjusted. An image of another shape is rejected: it was turned, or is another one.
 */
export function measuredBoxes(boxes: readonly AnnotatedBox[], given: PixelSize | undefined, options: BoxesOptions): (found: PixelSize) => SizedLabel {
  return (found) => {
    if (given === undefined || given.width === 0 || given.height === 0) return boxesLabel(boxes, found, options)
    if (given.width === found.width && given.height === found.height) return boxesLabel(boxes, found, options)
    const shapes = (given.width * found.height) / (given.height * found.width)
    const sizes = `the annotation says ${given.width}x${given.height}, the image has ${found.width}x${found.height}`
    if (!(Math.abs(shapes - 1) <= shapeTolerance)) throw new PipelineError('PIPE_ANNOTATION', `${options.from}: expected the image that was annotated, found one of another shape: ${sizes}; correct the annotation, or put the image there`)
    const scaled = boxes.map((box) => scale(box, found.width / given.width, found.height / given.height))
    const label = boxesLabel(scaled, found, options)
    return { ...label, adjusted: [`${sizes}: its boxes were scaled`, ...(label.adjusted === undefined ? [] : [label.adjusted])].join('; ') }
  }
}

function scale(box: AnnotatedBox, across: number, down: number): AnnotatedBox {
  return { ...box, xmin: box.xmin * across, ymin: box.ymin * down, xmax: box.xmax * across, ymax: box.ymax * down }
}
