// Resizing 8-bit images to OpenCV's bytes, by the fast paths.

import { areaEnlargeAxis, cubicAxis, lanczosAxis, linearAxis } from './resize-axis.js'
import { resizeAreaSimd, resizeAreaWholeSimd } from './resize-area-simd.js'
import { resizeBilinearSimd } from './resize-bilinear-simd.js'
import { halveSimd } from './resize-halve-simd.js'
import { checkResize, chooseResize, type PixelImage, type PixelSize, type ResizeAlgorithm, type ResizeMethod } from './resize-method.js'
import { borrowBeyond, clearOfWork } from './resize-memory.js'
import { resizeNearestSimd } from './resize-nearest-simd.js'
import { resizeCubicSimd, resizeLanczosSimd } from './resize-taps-simd.js'
import { onAxes, referenceResizes, type ResizeFunction } from './resize-reference.js'

const resizes: Readonly<Record<ResizeAlgorithm, ResizeFunction>> = {
  copy: referenceResizes.copy,
  nearest: resizeNearestSimd,
  bilinear: onAxes(resizeBilinearSimd, linearAxis),
  'area-enlarge': onAxes(resizeBilinearSimd, areaEnlargeAxis),
  'area-whole': (image, to) => (image.width === 2 * to.width && image.height === 2 * to.height ? halveSimd : resizeAreaWholeSimd)(image, to),
  area: resizeAreaSimd,
  cubic: onAxes(resizeCubicSimd, cubicAxis),
  lanczos4: onAxes(resizeLanczosSimd, lanczosAxis),
}

/**
 * The image at another size, byte for byte as OpenCV 4.6 gives it on x86-64. The aspect is not kept;
 * "bilinear", "cubic" and "lanczos4" do not antialias. The pixels are new ones even where the size is
 * the same. Nothing is kept between calls but the tables and buffers of the largest resize.
 * @param borrow the new pixels may lie in memory that is lent until this thread borrows again, and an image
 *   that is lent is used up: spares getting new memory for each. Default false
 * @throws InferError INFER_ARGUMENT for sizes that are not whole and above 0, or pixels that do not fill the image
 */
export function resizePixels(image: PixelImage, to: PixelSize, method: ResizeMethod = 'bilinear', borrow = false): PixelImage {
  checkResize(image, to)
  const resize = resizes[chooseResize(method, image, to)]
  const clear = clearOfWork(image, to)
  const lent = borrow && clear === image ? borrowBeyond(image, to.width * to.height * image.channels) : undefined
  return lent ? resize(lent.image, to, lent.place) : resize(clear, to)
}
