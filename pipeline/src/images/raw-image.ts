// Pixels in memory, and the place of a rectangle in them.

/** RGB, 8 bits each: the pixel at column x, row y begins at data[3·(y·width + x)]. */
export interface RawImage {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: 3
}

/** A rectangle in pixels from the top left corner. `width` and `height` count pixels. */
export interface PixelBox {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}
