// Weights and images from a seed: the same on every machine.

import { weightSpecs } from '../../infer/dist/index.js'

/** Values whose sums neither vanish nor grow from layer to layer, so that a wrong layer shows in the answer. */
export function seededWeights(graph) {
  const next = random(7)
  return new Map(weightSpecs(graph).map(({ name, shape }) => {
    const count = shape.reduce((product, size) => product * size, 1)
    const fanIn = shape.slice(0, -1).reduce((product, size) => product * size, 1)
    const value = {
      kernel: () => Math.sqrt(6 / fanIn) * next(),
      bias: () => 0.2 * next(),
      gamma: () => 1 + 0.2 * next(),
      beta: () => 0.2 * next(),
      mean: () => 0.2 * next(),
      variance: () => 1 + 0.3 * next(),
    }[name.slice(name.lastIndexOf('/') + 1)]
    return [name, Float32Array.from({ length: count }, value)]
  }))
}

/** [batch, h, w, c]: waves of another direction, length and colour for each image, and noise. */
export function seededImages([height, width, channels], batch) {
  const next = random(11)
  const images = new Float32Array(batch * height * width * channels)
  let at = 0
  for (let image = 0; image < batch; image++) {
    const waves = Array.from({ length: channels }, () => [next() / 4, next() / 4, 3 * next(), next()])
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        for (const [down, across, phase, offset] of waves) images[at++] = Math.sin(down * row + across * column + phase) + offset + next() / 2
      }
    }
  }
  return images
}

/** Numbers in [-1, 1): xorshift32, Marsaglia 2003. */
function random(seed) {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 31 - 1
  }
}
