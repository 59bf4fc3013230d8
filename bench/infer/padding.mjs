// Padding in pixels, for formats that do not know TensorFlow's 'same'.

/** { top, bottom, left, right } of a convolution or pool over an input [h, w, c]. */
export function placesOf({ padding, strides }, window, [height, width]) {
  if (padding === 'valid') return { top: 0, bottom: 0, left: 0, right: 0 }
  if (padding !== 'same') return padding
  const [down, across] = [height, width].map((size, axis) => Math.max(0, (Math.ceil(size / strides[axis]) - 1) * strides[axis] + window[axis] - size))
  return { top: Math.floor(down / 2), bottom: Math.ceil(down / 2), left: Math.floor(across / 2), right: Math.ceil(across / 2) }
}
