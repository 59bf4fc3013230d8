// What a JPEG file says of itself before its first scan. Segments are ff MARKER, length u16 (itself
// included), content (ISO/IEC 10918-1, B.1.1):
//
//   e0 APP0   "JFIF" 0 …                                    the colours are YCbCr
//   e1 APP1   "Exif" 0 0, TIFF                              tag 0x112 of the first directory: the turn
//   ee APP14  "Adobe" version u16, flags u16, u16, transform u8     0: RGB or CMYK, 1: YCbCr, 2: YCCK
//   c0 … cf   frame header: precision u8, height u16, width u16, components u8, then id, sampling, table

import type { Orientation } from '@millrace/infer/kernels'

/** A segment's marker and its bytes, the marker's two included. */
export interface JpegSegment {
  readonly marker: number
  readonly begin: number
  readonly end: number
}

export interface JpegHeader {
  readonly width: number
  readonly height: number
  /** Bits a sample. */
  readonly precision: number
  readonly components: number
  /** How libjpeg reads the components; CMYK also stands for YCCK, which it turns into CMYK. */
  readonly colours: 'grey' | 'ycbcr' | 'rgb' | 'cmyk' | 'unknown'
  /** Whether an Adobe segment is there; its CMYK is inverted by some readers. */
  readonly isAdobe: boolean
  /** EXIF's 1-8; 1 is upright. 0: it stands there in a way that not all readers understand alike. */
  readonly orientation: Orientation | 0
  /** Those before the first scan. */
  readonly segments: readonly JpegSegment[]
}

/** `undefined` if it is no JPEG, or its header is damaged. */
export function readJpegHeader(image: Uint8Array): JpegHeader | undefined {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength)
  const segments = listSegments(bytes)
  const frame = segments?.find(({ marker, begin, end }) => isFrameHeader(marker) && end - begin >= 10)
  if (!segments || !frame) return undefined
  const components = bytes[frame.begin + 9]!
  if (frame.end - frame.begin < 10 + 3 * components) return undefined
  const ids = Array.from({ length: components }, (_, index) => bytes[frame.begin + 10 + 3 * index]!)
  const contents = (marker: number, name: string): Buffer[] =>
    segments.filter((one) => one.marker === marker).map((one) => bytes.subarray(one.begin + 4, one.end)).filter((one) => one.toString('latin1', 0, name.length) === name)
  const [adobe] = contents(0xee, 'Adobe')
  const transform = adobe && adobe.length >= 12 ? adobe[11] : undefined
  return {
    width: bytes.readUInt16BE(frame.begin + 7),
    height: bytes.readUInt16BE(frame.begin + 5),
    precision: bytes[frame.begin + 4]!,
    components,
    colours: colourSpace(ids, contents(0xe0, 'JFIF\0').length > 0, transform),
    isAdobe: transform !== undefined,
    orientation: exifOrientation(contents(0xe1, 'Exif\0\0')),
    segments,
  }
}

/** libjpeg's rules (jdapimin.c, default_decompress_parms). */
function colourSpace(ids: readonly number[], isJfif: boolean, transform: number | undefined): JpegHeader['colours'] {
  if (ids.length === 1) return 'grey'
  if (ids.length === 4) return 'cmyk'
  if (ids.length !== 3) return 'unknown'
  if (isJfif) return 'ycbcr'
  if (transform !== undefined) return transform === 0 ? 'rgb' : 'ycbcr'
  return String.fromCharCode(...ids) === 'RGB' ? 'rgb' : 'ycbcr'
}

function listSegments(bytes: Buffer): JpegSegment[] | undefined {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined
  const segments: JpegSegment[] = []
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]!
    if (marker === 0xff) at++ // a fill byte
    else if (marker === 0xda) return segments
    else {
      const end = at + 2 + bytes.readUInt16BE(at + 2)
      if (end > bytes.length) return undefined
      segments.push({ marker, begin: at, end })
      at = end
    }
  }
  return undefined
}

function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

function exifOrientation([exif, ...others]: readonly Buffer[]): JpegHeader['orientation'] {
  if (exif === undefined) return 1
  if (exif.length < 14 || others.length > 0) return 0
  const tiff = exif.subarray(6)
  const order = tiff.toString('latin1', 0, 2)
  const isLittle = order === 'II'
  const u16 = (at: number): number => (at + 2 > tiff.length ? 0 : isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at))
  const u32 = (at: number): number => (at + 4 > tiff.length ? 0 : isLittle ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at))
  if ((!isLittle && order !== 'MM') || u16(2) !== 42) return 0
  const directory = u32(4)
  for (let entry = 0; entry < u16(directory); entry++) {
    const at = directory + 2 + 12 * entry
    if (u16(at) !== 0x112) continue
    const isOneShort = u16(at + 2) === 3 && u32(at + 4) === 1
    const value = u16(at + 8)
    return isOneShort ? (value >= 1 && value <= 8 ? (value as Orientation) : 1) : 0
  }
  return 1
}
