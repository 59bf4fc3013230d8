// Pixels in memory, and the place of a rectangle in them.

export type ChannelCount = 1 | 3 | 4

/**
 * Grey (1), RGB (3) or RGBA (4), 8 bits each: the pixel at column x, row y begins at
 * data[channels · (y·width + x)].
 */
export interface RawImage<Channels extends ChannelCount = ChannelCount> {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: Channels
}

/** A rectangle in pixels from the top left corner. `width` and `height` count pixels. */
export interface PixelBox {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}
