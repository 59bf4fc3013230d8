// The light on a wall: brighter on one side, and sometimes half in the soft shadow of a roof or a tree.

import { between, chance, type Random } from './random.js'

/** Light by place, 1 being the colours as they are. */
export interface Light {
  /** The least light anywhere in the picture. */
  readonly least: number
  at(x: number, y: number): number
}

/** Light for a picture of `width` x `height` pixels. */
export function drawLight(random: Random, width: number, height: number): Light {
  const exposure = between(random, 0.8, 1.06)
  const [across, down] = [between(random, -0.12, 0.12), between(random, -0.12, 0.12)]
  const shadow = chance(random, 0.25) ? between(random, 0.68, 0.86) : 1
  const angle = between(random, 0, 2 * Math.PI)
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)]
  const edge = between(random, -0.25, 0.25) * Math.min(width, height)
  const softness = between(random, 1, 5)
  return {
    least: exposure * shadow * (1 - (Math.abs(across) + Math.abs(down)) / 2),
    at: (x, y) => {
      const slope = 1 + across * (x / width - 0.5) + down * (y / height - 0.5)
      const depth = (x - width / 2) * cosine + (y - height / 2) * sine - edge
      const inShadow = Math.min(1, Math.max(0, depth / softness + 0.5))
      return exposure * slope * (1 - (1 - shadow) * inShadow)
    },
  }
}
