// What a PNG file says of its pixels before they begin. Chunks are length u32, type, content, CRC-32
// (W3C PNG, 5.3):
//
//   IHDR  width u32, height u32, bit depth u8, colour type u8 (1 palette | 2 colour | 4 alpha), …
//   gAMA  100,000 / gamma u32           sRGB  stands for gAMA 45,455
//   tRNS  colours that are transparent

export interface PngHeader {
  readonly width: number
  readonly height: number
  readonly bitDepth: number
  readonly colours: 'grey' | 'rgb' | 'palette'
  /** An alpha channel of its own. */
  readonly hasAlpha: boolean
  readonly hasTransparentColours: boolean
  /** 100,000 / gamma, or 0 where the file does not say. */
  readonly gamma: number
}

const signature = Buffer.from('89504e470d0a1a0a', 'hex')
const sRgbGamma = 45455

/** `undefined` if it is no PNG, or its header is damaged. */
export function readPngHeader(image: Uint8Array): PngHeader | undefined {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength)
  if (bytes.length < 33 || !bytes.subarray(0, 8).equals(signature) || bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined
  const colourType = bytes[25]!
  let gamma = 0
  let hasTransparentColours = false
  for (let at = 33; at + 12 <= bytes.length;) {
    const type = bytes.toString('latin1', at + 4, at + 8)
    if (type === 'IDAT') break
    if (type === 'gAMA' && gamma === 0) gamma = bytes.readUInt32BE(at + 8)
    if (type === 'sRGB') gamma = sRgbGamma
    if (type === 'tRNS') hasTransparentColours = true
    at += 12 + bytes.readUInt32BE(at)
  }
  return {
    width: bytes.readUInt32BE(16),
    height: bytes.readUInt32BE(20),
    bitDepth: bytes[24]!,
    colours: (colourType & 1) !== 0 ? 'palette' : (colourType & 2) !== 0 ? 'rgb' : 'grey',
    hasAlpha: (colourType & 4) !== 0,
    hasTransparentColours,
    gamma,
  }
}
