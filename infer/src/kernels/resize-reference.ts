// OpenCV's resize in plain loops, one algorithm a file: the standard that the fast paths are held to.

import { areaEnlargeAxis, cubicAxis, keepAxes, lanczosAxis, linearAxis, type Axis, type FixedPointAxis } from './resize-axis.js'
import { resizeArea } from './resize-area.js'
import { resizeAreaWhole } from './resize-area-whole.js'
import { resizeBilinear } from './resize-bilinear.js'
import { resizeCubic } from './resize-cubic.js'
import { resizeLanczos } from './resize-lanczos.js'
import { checkResize, chooseResize, type PixelImage, type PixelSize, type ResizeAlgorithm, type ResizeMethod } from './resize-method.js'
import { resizeNearest } from './resize-nearest.js'

/** An algorithm on an image and a size that suit it. The result may go to `place`, in the memory of the kernels. */
export type ResizeFunction = (image: PixelImage, to: PixelSize, place?: Uint8Array) => PixelImage

/** The reference of each algorithm. */
export const referenceResizes: Readonly<Record<ResizeAlgorithm, ResizeFunction>> = {
  copy: (image) => ({ ...image, data: image.data.slice() }),
  nearest: resizeNearest,
  bilinear: onAxes(resizeBilinear, linearAxis),
  'area-enlarge': onAxes(resizeBilinear, areaEnlargeAxis),
  'area-whole': resizeAreaWhole,
  area: resizeArea,
  cubic: onAxes(resizeCubic, cubicAxis),
  lanczos4: onAxes(resizeLanczos, lanczosAxis),
}

/**
 * The image at another size, byte for byte as OpenCV 4.6 gives it on x86-64; slow.
 * @throws InferError INFER_ARGUMENT for sizes that are not whole and above 0
 */
export function resizePixelsReference(image: PixelImage, to: PixelSize, method: ResizeMethod): PixelImage {
  checkResize(image, to)
  return referenceResizes[chooseResize(method, image, to)](image, to)
}

/** A resize with the weights of an axis, which are kept for the sizes that come again. */
export function onAxes(
  resize: (image: PixelImage, horizontal: FixedPointAxis, vertical: FixedPointAxis, place?: Uint8Array) => PixelImage,
  axis: (inSize: number, outSize: number) => Axis,
): ResizeFunction {
  const kept = keepAxes(axis)
  return (image, to, place) => resize(image, kept(image.width, to.width), kept(image.height, to.height), place)
}
