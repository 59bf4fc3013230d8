// Small PNG files, decoded at once: for a crop of a few thousand pixels the way through sharp's threads
// costs ten times the work. Only files that are flawless and plain are decoded here: 8 bits or fewer, not
// interlaced, no transparent colours, no chunk that is unknown or could bear on the pixels, all checksums
// right. Of all others sharp is the judge, so that its verdict holds for every file.
//
//   IDAT… = zlib of the rows, each a filter byte and its bytes, a sample of fewer than 8 bits packed from
//   the top

import { pixelMemory } from '@millrace/infer/kernels'
import { crc32 } from '@node-rs/crc32'
import type { Colour } from './decode.js'
import { inflate } from './inflate.js'
import { borrowFiltered, removeFilters } from './png-filters.js'
import { readPngHeader, type PngHeader } from './png-header.js'
import type { RawImage } from './raw-image.js'
import { greyOfPng, takeChannel, toGrey } from './to-grey.js'
import { dropAlpha } from './transform.js'

/** The samples of a file as it stores them, 8 bits each. */
interface StoredPixels {
  readonly data: Uint8Array
  readonly channels: 1 | 2 | 3 | 4
}

/** What stands in a plain file. */
interface PngContent {
  readonly header: PngHeader
  readonly palette: Uint8Array | undefined
  readonly compressed: Uint8Array
}

/**
 * The pixels that sharp's route gives, or `undefined` where that route is to be taken; with `borrow` they may
 * lie in memory that is lent until this thread decodes the next image.
 */
export function decodePlainPng(bytes: Uint8Array, colour: Colour, maxPixels: number, borrow: boolean): RawImage | undefined {
  const content = readContent(bytes, maxPixels)
  const stored = content && readStored(content)
  const image = stored && inColour(stored, content.header, colour)
  return image && !borrow && image.data.buffer === pixelMemory.buffer ? { ...image, data: image.data.slice() } : image
}

// Chunks that may stand once before the pixels and say nothing of them, or what readPngHeader reads.
const harmless: ReadonlySet<string> = new Set(['PLTE', 'bKGD', 'cHRM', 'gAMA', 'pHYs', 'sRGB'])
const firstChunk = 33 // after IHDR
const largestSide = 65535

function readContent(image: Uint8Array, maxPixels: number): PngContent | undefined {
  const header = readPngHeader(image)
  if (!header || !isPlain(header, image) || header.width * header.height > maxPixels) return undefined
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength)
  const parts: Uint8Array[] = []
  const seen = new Set<string>()
  let palette: Uint8Array | undefined
  for (let at = firstChunk, previous = ''; at + 12 <= bytes.length;) {
    const end = at + 12 + bytes.readUInt32BE(at)
    if (end > bytes.length || crc32(bytes.subarray(at + 4, end - 4)) !== bytes.readUInt32BE(end - 4)) return undefined
    const type = bytes.toString('latin1', at + 4, at + 8)
    const data = bytes.subarray(at + 8, end - 4)
    if (type === 'IEND') return end === bytes.length && data.length === 0 && parts.length > 0 ? { header, palette, compressed: joined(parts) } : undefined
    if (type === 'IDAT' && (parts.length === 0 || previous === 'IDAT')) parts.push(data)
    else if (harmless.has(type) ? parts.length > 0 || seen.has(type) : !isComment(type, data)) return undefined
    if (type === 'PLTE') palette = data
    seen.add(type)
    previous = type
    at = end
  }
  return undefined
}

/** A time, or text in which no EXIF hides. */
function isComment(type: string, data: Buffer): boolean {
  return type === 'tIME' || (type === 'tEXt' && !data.toString('latin1', 0, 79).startsWith('Raw profile type'))
}

/** Whether IHDR is one of those that are decoded here. */
function isPlain({ width, height, bitDepth, colours, hasAlpha }: PngHeader, image: Uint8Array): boolean {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength)
  const isSized = width >= 1 && width <= largestSide && height >= 1 && height <= largestSide
  const isDeflatedInRows = bytes.readUInt32BE(8) === 13 && bytes[26] === 0 && bytes[27] === 0 && bytes[28] === 0 && crc32(bytes.subarray(12, 29)) === bytes.readUInt32BE(29)
  const isPacked = (bitDepth === 1 || bitDepth === 2 || bitDepth === 4) && colours !== 'rgb' && !hasAlpha
  return isSized && isDeflatedInRows && (bitDepth === 8 || isPacked) && [0, 2, 3, 4, 6].includes(bytes[25]!)
}

/** Inflates, undoes the filters, unpacks samples and looks up palette colours. */
function readStored({ header, palette, compressed }: PngContent): StoredPixels | undefined {
  const { width, height, bitDepth, colours, hasAlpha } = header
  if (colours === 'palette' ? !palette || palette.length === 0 || palette.length % 3 !== 0 || palette.length > 768 : palette && colours === 'grey') return undefined
  const channels = ((colours === 'rgb' ? 3 : 1) + (hasAlpha ? 1 : 0)) as StoredPixels['channels']
  const rowBytes = Math.ceil((width * channels * bitDepth) / 8)
  const rows = inflateRows(compressed, rowBytes, height, channels)
  if (!rows) return undefined
  const data = bitDepth === 8 ? rows : unpack(rows, header, rowBytes)
  if (!palette || colours !== 'palette') return { data, channels }
  const rgb = lookUp(data, palette)
  return rgb && { data: rgb, channels: 3 }
}

/** No deflated byte stands for more than this many: what claims more is not whole. */
const largestRatio = 1032

function inflateRows(compressed: Uint8Array, rowBytes: number, height: number, channels: StoredPixels['channels']): Uint8Array | undefined {
  if ((rowBytes + 1) * height > compressed.length * largestRatio) return undefined
  const filtered = borrowFiltered(rowBytes, height)
  return filtered && inflate(compressed, filtered) ? removeFilters(filtered, rowBytes, height, channels) : undefined
}

/** Samples of 1, 2 or 4 bits to a byte each; grey ones stretched to 0-255. */
function unpack(rows: Uint8Array, { width, height, bitDepth, colours }: PngHeader, rowBytes: number): Uint8Array {
  const perByte = 8 / bitDepth
  const mask = 2 ** bitDepth - 1
  const factor = colours === 'grey' ? 255 / mask : 1
  const out = new Uint8Array(width * height)
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const byte = rows[y * rowBytes + Math.floor(x / perByte)]!
      out[to++] = ((byte >> (8 - bitDepth * (1 + (x % perByte)))) & mask) * factor
    }
  }
  return out
}

/** `undefined` if a colour is not in the palette. */
function lookUp(indices: Uint8Array, palette: Uint8Array): Uint8Array | undefined {
  const rgb = new Uint8Array(indices.length * 3)
  for (let at = 0; at < indices.length; at++) {
    const from = indices[at]! * 3
    if (from >= palette.length) return undefined
    rgb[3 * at] = palette[from]!
    rgb[3 * at + 1] = palette[from + 1]!
    rgb[3 * at + 2] = palette[from + 2]!
  }
  return rgb
}

function inColour({ data, channels }: StoredPixels, { width, height, gamma }: PngHeader, colour: Colour): RawImage {
  if (channels <= 2) {
    if (colour === 'unchanged' && channels === 1) return { data, width, height, channels: 1 }
    if (colour === 'unchanged') return { data: spreadGrey(data, 2, 4), width, height, channels: 4 }
    if (colour === 'grey') return { data: channels === 1 ? data : takeChannel(data, 2, 0), width, height, channels: 1 }
    return { data: spreadGrey(data, channels as 1 | 2, 3), width, height, channels: 3 }
  }
  const image: RawImage = { data, width, height, channels: channels as 3 | 4 }
  if (colour === 'unchanged') return image
  const opaque = dropAlpha(image) as RawImage<3>
  return colour === 'rgb' ? opaque : { data: toGrey(opaque.data, greyOfPng(gamma, 8)), width, height, channels: 1 }
}

/** Grey as red, green and blue alike; alpha after them where four channels are asked for. */
function spreadGrey(data: Uint8Array, from: 1 | 2, to: 3 | 4): Uint8Array {
  const out = new Uint8Array((data.length / from) * to)
  for (let source = 0, target = 0; source < data.length; source += from, target += to) {
    out[target] = out[target + 1] = out[target + 2] = data[source]!
    if (to === 4) out[target + 3] = data[source + 1]!
  }
  return out
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}
