// Pixels in memory, and the place of a rectangle in them.

export type ChannelCount = 1 | 3 | 4

/** 8 bits each, or 16. */
export type Samples = Uint8Array | Uint16Array

/**
 * Grey (1), RGB (3) or RGBA (4), of 8 bits each where nothing else is said: the pixel at column x, row y
 * begins at data[channels · (y·width + x)].
 */
export interface RawImage<Channels extends ChannelCount = ChannelCount, Values extends Samples = Uint8Array> {
  readonly data: Values
  readonly width: number
  readonly height: number
  readonly channels: Channels
}

/** An image of 8 bits or 16. */
export type DeepImage = RawImage<ChannelCount, Samples>

/** A rectangle in pixels from the top left corner. `width` and `height` count pixels. */
export interface PixelBox {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}
