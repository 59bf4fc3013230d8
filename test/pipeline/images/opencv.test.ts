// OpenCV's imread gives the same pixels, where python3-opencv is installed: files of every kind, as
// colour, as grey and unchanged.

import t, { type Test } from 'tap'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { decodeImage, loadTurboJpeg, type Codec, type Colour } from '@millrace/pipeline/images'
import { realData } from '../../support.js'

const python = '/usr/bin/python3'
const script = fileURLToPath(new URL('../../../second-opinion/read_images.py', import.meta.url))
const flags: Record<Colour, number> = { rgb: 1, grey: 0, unchanged: -1 }
const codecs: readonly Codec[] = loadTurboJpeg() ? ['sharp', 'turbojpeg'] : ['sharp']

t.test('files made here', { skip: withoutOpenCv() }, async (t) => {
  const folder = t.testdir()
  const paths: string[] = []
  for (const [name, bytes] of Object.entries(await makeFiles())) {
    paths.push(join(folder, name))
    writeFileSync(paths.at(-1)!, bytes)
  }
  await compareAll(t, paths)
})

const edges = realData('edge-images')
t.test('edge cases', { skip: edges.skip || withoutOpenCv() }, async (t) => {
  // OpenCV reads no GIF, and differs from us on purpose in what it makes of damaged files.
  const names = readdirSync(edges.path).filter((name) => /\.(png|jpg|webp)$/.test(name) && !/^(truncated|corrupt|65536|Landscape_[1257]|alpha-layer)/.test(name))
  await compareAll(t, names.map((name) => join(edges.path, name)))
})

async function compareAll(t: Test, paths: readonly string[]): Promise<void> {
  for (const [colour, flag] of Object.entries(flags) as [Colour, number][]) {
    const output = execFileSync(python, [script], { input: paths.map((path) => `${path}\t${flag}`).join('\n'), maxBuffer: 2 ** 28 })
    let at = 0
    for (const path of paths) {
      const end = output.indexOf(10, at)
      const [height, width, channels, bits] = JSON.parse(output.toString('latin1', at, end)) as [number, number, number, number]
      const pixels = output.subarray(end + 1, (at = end + 1 + (height * width * channels * bits) / 8))
      for (const codec of path.endsWith('.jpg') ? codecs : (['sharp'] as const)) {
        const image = await decodeImage(readFileSync(path), { colour, codec })
        t.same([image.height, image.width, image.channels], [height, width, channels], `${path} as ${colour} through ${codec}`)
        const expected = bits === 8 ? pixels : pixels.filter((_, byte) => byte % 2 === 1)
        t.ok(Buffer.compare(image.data, expected) === 0, `${path} as ${colour} through ${codec}: pixels`)
        const { data } = await decodeImage(readFileSync(path), { colour, codec, keepDepth: true })
        t.ok(pixels.equals(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)), `${path} as ${colour} through ${codec}: pixels of any depth`)
      }
    }
  }
}

/** A small picture of soft colours and noise in many kinds of file. */
async function makeFiles(): Promise<Record<string, Buffer>> {
  const [width, height] = [37, 29]
  const pixel = (at: number): number => Math.max(0, Math.min(255, Math.round(128 + 90 * Math.sin(at / 40) + ((at * 7919) % 67) - 33)))
  const rgb = sharp(Uint8Array.from({ length: width * height * 3 }, (_, at) => pixel(at)), { raw: { width, height, channels: 3 } })
  const rgba = sharp(Uint8Array.from({ length: width * height * 4 }, (_, at) => pixel(at)), { raw: { width, height, channels: 4 } })
  const grey = sharp(Uint8Array.from({ length: width * height }, (_, at) => pixel(at)), { raw: { width, height, channels: 1 } }).toColourspace('b-w')
  const png = await rgb.clone().png().toBuffer()
  return {
    '420.jpg': await rgb.clone().jpeg({ quality: 90, chromaSubsampling: '4:2:0' }).toBuffer(),
    '444.jpg': await rgb.clone().jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer(),
    'progressive.jpg': await rgb.clone().jpeg({ progressive: true }).toBuffer(),
    'grey.jpg': await grey.clone().jpeg().toBuffer(),
    'turned.jpg': await rgb.clone().jpeg().withMetadata({ orientation: 6 }).toBuffer(),
    'mirrored.jpg': await rgb.clone().jpeg().withMetadata({ orientation: 5 }).toBuffer(),
    'cmyk.jpg': await rgb.clone().toColourspace('cmyk').jpeg().toBuffer(),
    'rgb.png': png,
    'interlaced.png': await rgb.clone().png({ progressive: true }).toBuffer(),
    'rgba.png': await rgba.clone().png().toBuffer(),
    'grey.png': await grey.clone().png().toBuffer(),
    'palette.png': await rgb.clone().png({ palette: true, colours: 16 }).toBuffer(),
    'palette-alpha.png': await rgba.clone().png({ palette: true, colours: 16 }).toBuffer(),
    'rgb16.png': await rgb.clone().toColourspace('rgb16').png().toBuffer(),
    'gamma.png': insertChunk(png, 'gAMA', [0, 0, 0xb1, 0x8f]),
    'srgb.png': insertChunk(png, 'sRGB', [0]),
    'linear.png': insertChunk(png, 'gAMA', [0, 1, 0x86, 0xa0]),
    'transparent-colour.png': insertChunk(png, 'tRNS', [0, 1, 0, 2, 0, 3]),
    'grey-4-bit.png': makePng(8, 3, 4, 0, [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xf0, 0x0f, 0x55, 0xaa]),
    'grey-1-bit.png': makePng(8, 2, 1, 0, [0b10110001, 0b01001110]),
    'grey-16-bit.png': makePng(2, 2, 16, 0, [0, 200, 1, 255, 127, 128, 255, 0]),
    'rgb-16-bit.png': makePng(2, 1, 16, 2, [1, 2, 3, 4, 5, 6, 250, 200, 150, 100, 50, 0]),
    'rgba-16-bit.png': makePng(1, 2, 16, 6, [1, 2, 3, 4, 5, 6, 7, 8, 255, 1, 128, 0, 12, 34, 0, 9]),
    'grey-alpha-16-bit.png': makePng(2, 1, 16, 4, [1, 2, 3, 4, 250, 251, 0, 7]),
    'grey-16-bit-transparent.png': insertChunk(makePng(2, 1, 16, 0, [1, 2, 3, 4]), 'tRNS', [1, 2]),
    'grey-alpha.png': makePng(2, 2, 8, 4, [10, 0, 20, 128, 30, 255, 40, 3]),
    'grey-transparent.png': insertChunk(makePng(2, 2, 8, 0, [10, 20, 30, 40]), 'tRNS', [0, 20]),
    'lossless.webp': await rgb.clone().webp({ lossless: true }).toBuffer(),
    'alpha.webp': await rgba.clone().webp({ lossless: true, exact: true }).toBuffer(),
    'rgb.tif': await rgb.clone().tiff({ compression: 'none' }).toBuffer(),
  }
}

/** A PNG of these bytes, whole rows, without filters. */
function makePng(width: number, height: number, bitDepth: number, colourType: number, bytes: readonly number[]): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([bitDepth, colourType], 8)
  const rowBytes = bytes.length / height
  const rows = Array.from({ length: height }, (_, row) => [0, ...bytes.slice(row * rowBytes, (row + 1) * rowBytes)]).flat()
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.from(rows))), chunk('IEND', Buffer.alloc(0))])
}

function insertChunk(png: Buffer, type: string, content: readonly number[]): Buffer {
  return Buffer.concat([png.subarray(0, 33), chunk(type, Buffer.from(content)), png.subarray(33)])
}

function chunk(type: string, content: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const bytes = Buffer.concat([Buffer.alloc(4), typed, Buffer.alloc(4)])
  bytes.writeUInt32BE(content.length, 0)
  bytes.writeUInt32BE(crc32(typed), bytes.length - 4)
  return bytes
}

/** PNG's checksum, from its definition. */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) !== 0 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

function withoutOpenCv(): string | false {
  try {
    execFileSync(python, ['-c', 'import cv2'], { stdio: 'ignore' })
    return false
  } catch {
    return 'no python3-opencv here'
  }
}
