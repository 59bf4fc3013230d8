// Turning raw pixels by quarters of a circle.

import type { ChannelCount, RawImage } from './raw-image.js'

/** Quarters of a circle, clockwise. */
export type QuarterTurns = 0 | 1 | 2 | 3

/** The image turned clockwise; no pixel is lost or made up. Unturned, it is given back itself. */
export function turnImage<Channels extends ChannelCount>(image: RawImage<Channels>, turns: QuarterTurns): RawImage<Channels> {
  if (turns === 0) return image
  const { data, width, height, channels } = image
  const turned = new Uint8Array(width * height * channels)
  // Where the pixel at column 0, row 0 goes, and how far on the next column's and the next row's go.
  const [start, acrossStep, downStep] = {
    1: [height - 1, height, -1],
    2: [width * height - 1, -1, -width],
    3: [(width - 1) * height, -height, 1],
  }[turns] as [number, number, number]
  let from = 0
  for (let row = 0; row < height; row++) {
    let to = (start + row * downStep) * channels
    for (let column = 0; column < width; column++, to += acrossStep * channels) {
      for (let channel = 0; channel < channels; channel++) turned[to + channel] = data[from++]!
    }
  }
  const isUpright = turns === 2
  return { data: turned, width: isUpright ? width : height, height: isUpright ? height : width, channels }
}
