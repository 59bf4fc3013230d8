// Type and size of an encoded image from its first bytes, without decoding it.
//
// PNG: signature, then the IHDR chunk: length u32, "IHDR", width u32, height u32 (big endian).
// JPEG: segments ff MARKER, length u16 (itself included), content. The frame header, markers c0-cf
// but for c4, c8 and cc, holds precision u8, height u16, width u16. ISO/IEC 10918-1, B.2.2.

export interface ImageSize {
  readonly type: 'jpeg' | 'png'
  readonly width: number
  readonly height: number
}

/** `undefined` when it is neither JPEG nor PNG, or its header is damaged. */
export function imageSize(image: Uint8Array): ImageSize | undefined {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength)
  return bytes.subarray(0, 8).equals(pngSignature) ? pngSize(bytes) : jpegSize(bytes)
}

/** A JPEG or PNG whose last bytes are its end mark: EOI, or the IEND chunk. */
export function hasImageEnd(image: Uint8Array): boolean {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength)
  if (bytes.subarray(0, 8).equals(pngSignature)) return bytes.subarray(-12).equals(pngEnd)
  return bytes.length >= 4 && bytes.readUInt16BE(0) === 0xffd8 && bytes.readUInt16BE(bytes.length - 2) === 0xffd9
}

const pngEnd = Buffer.from('0000000049454e44ae426082', 'hex')
const pngSignature = Buffer.from('89504e470d0a1a0a', 'hex')

function pngSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.length < 24 || bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined
  return { type: 'png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
}

function jpegSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined
  let at = 2
  while (at + 9 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]!
    if (isFrameHeader(marker)) return { type: 'jpeg', width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) }
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2) // ff ff: a fill byte before the marker
  }
  return undefined
}

function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}
