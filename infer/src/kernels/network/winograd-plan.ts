// How an image is cut into Winograd's tiles, how many of them make a block, and what lies where in the
// workspace:
//
//   V [36][tile][channel]   M [36][tile][filter]   columns [4][column][6]   pixels [4][6]
//
// The last two are scratch, in vectors of 4 channels.

import type { ConvolutionShape } from './convolution.js'
import { vectorChannels, type Layout } from './kernel.js'
import { panelCount, panelRowBytes } from './panels.js'
import { transformPoints } from './winograd-transform.js'

/** Whether Winograd's convolution can do it at all: whether it should is another question. */
export function canUseWinograd({ input, output, residual, kernelSize: [height, width], strides, dilations, groups }: ConvolutionShape): boolean {
  const isPlain = groups === 1 && [...strides, ...dilations].every((step) => step === 1)
  const isWhole = [output, ...(residual ? [residual] : [])].every(hasWholeVectors)
  return isPlain && isWhole && height === width && (height === 3 || height === 5) && (hasWholeVectors(input) || input.pixelBytes === 4 * input.channels)
}

/** Whether whole vectors of its channels are its own; a network's own input may lie tight, and has room after its end. */
function hasWholeVectors({ channels, pixelBytes }: Layout): boolean {
  return channels % 4 === 0 || pixelBytes === 4 * vectorChannels(channels)
}

/** Outputs along the side of a tile. */
const tileSize = (kernelSize: number): number => transformPoints + 1 - kernelSize

/** How an image is cut into tiles, and where V, M and the scratch lie in the workspace. */
export interface TilePlan {
  readonly tile: number
  readonly tileRows: number
  readonly tileColumns: number
  /** Tile rows of a block. */
  readonly blockRows: number
  /** From a tile to the next in V and in M. */
  readonly inputTileBytes: number
  readonly productTileBytes: number
  /** From one of the 36 matrices to the next. */
  readonly inputBytes: number
  readonly productBytes: number
  readonly products: number
  /** Bᵀ d of a row of tiles, by columns; then Aᵀ M of one tile. */
  readonly columns: number
  readonly pixels: number
  readonly bytes: number
}

/** V and M of a block together: a quarter of a second cache of 2 MB, for the input and the weights pass through it too. */
const blockBytes = 1 << 19
/** Fewest tiles that read the weights together, where there are so many. */
const fewestTiles = 64
export const vectorBytes = 16
/** Vectors of a cache line. */
export const lineVectors = 4
/** A column of six vectors in the scratch. */
export const columnBytes = transformPoints * vectorBytes

export function planTiles({ input, output, kernelSize: [size] }: ConvolutionShape, batch: number): TilePlan {
  const tile = tileSize(size)
  const [tileRows, tileColumns] = [Math.ceil(output.height / tile), Math.ceil(output.width / tile)]
  const inputTileBytes = 4 * vectorChannels(input.channels)
  const productTileBytes = panelRowBytes * panelCount(output.channels)
  const tiles = Math.max(fewestTiles, blockBytes / (transformPoints ** 2 * (inputTileBytes + productTileBytes)))
  const blocks = Math.ceil((batch * tileRows) / Math.max(1, Math.floor(tiles / tileColumns)))
  const blockRows = Math.ceil((batch * tileRows) / blocks)
  const inputBytes = oddLines(blockRows * tileColumns * inputTileBytes)
  const productBytes = oddLines(blockRows * tileColumns * productTileBytes)
  const products = transformPoints ** 2 * inputBytes
  const columns = products + transformPoints ** 2 * productBytes
  const pixels = columns + lineVectors * columnsOf(tileColumns, tile) * columnBytes
  return { tile, tileRows, tileColumns, blockRows, inputTileBytes, productTileBytes, inputBytes, productBytes, products, columns, pixels, bytes: pixels + tile * columnBytes }
}

/** Input columns (or rows) that so many tiles read. */
export const columnsOf = (tiles: number, tile: number): number => (tiles - 1) * tile + transformPoints

/** An odd number of cache lines: 36 of them side by side then fall into different sets. */
function oddLines(bytes: number): number {
  const lines = Math.ceil(bytes / 64)
  return 64 * (lines % 2 === 1 ? lines : lines + 1)
}
