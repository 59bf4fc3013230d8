// A real libturbojpeg, called through koffi where both are installed: JPEG in about half of sharp's
// time, and the same bytes (exact inverse DCT, smooth chroma, as libjpeg's defaults). The calls block:
// they are for worker threads. What the library refuses, or only warns of, is left to sharp, whose
// judgement then holds for both.
//
// TurboJPEG's API 2, which version 3 of the library still has:
//   https://libjpeg-turbo.org/Documentation/Documentation

import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { PipelineError } from '../errors.js'
import type { Chroma } from './encode.js'
import type { RawImage } from './raw-image.js'

/** The library, loaded. Not to be called from two threads at once; each thread loads its own. */
export interface TurboJpeg {
  /** The library's file name. */
  readonly library: string
  /**
   * Decodes as grey (1) or RGB (3), scaled by `eighths` / 8 (sizes round up). `undefined` if the library
   * finds anything amiss. `width` and `height` are those in the header, within the limit on pixels. The
   * pixels go to `place`, which they fill, where it is given.
   */
  decode(bytes: Uint8Array, width: number, height: number, channels: 1 | 3, eighths: number, place?: Uint8Array): RawImage<1 | 3> | undefined
  /** Baseline JPEG with standard Huffman tables and a JFIF segment; `undefined` if the library refuses. */
  encode(image: RawImage<1 | 3>, quality: number, chroma: Chroma): Uint8Array | undefined
}

// turbojpeg.h
const formats = { 1: 6, 3: 0 } as const // TJPF_GRAY, TJPF_RGB
const samplings = { '4:4:4': 0, '4:2:0': 2 } as const satisfies Record<Chroma, number>
const greySampling = 3
const accurateDct = 4096
const limitScans = 32768
const ownBuffer = 1024 // TJFLAG_NOREALLOC

const libraryNames: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ['libturbojpeg.so.0', 'libturbojpeg.so'],
  darwin: ['libturbojpeg.dylib', '/opt/homebrew/opt/jpeg-turbo/lib/libturbojpeg.dylib', '/usr/local/opt/jpeg-turbo/lib/libturbojpeg.dylib'],
  win32: ['turbojpeg.dll', 'C:\\libjpeg-turbo64\\bin\\turbojpeg.dll'],
  freebsd: ['libturbojpeg.so.0'],
}

let loaded: { readonly turboJpeg: TurboJpeg | undefined } | undefined

/**
 * The library that the environment variable MILLRACE_TURBOJPEG names by its path, else the system's;
 * `undefined` where there is none, or no koffi.
 * @throws PipelineError PIPE_OPTION if MILLRACE_TURBOJPEG is set and cannot be loaded
 */
export function loadTurboJpeg(): TurboJpeg | undefined {
  loaded ??= { turboJpeg: findTurboJpeg() }
  return loaded.turboJpeg
}

/** The size at which libjpeg decodes at so many eighths. */
export function scaledSize(width: number, height: number, eighths: number): { width: number; height: number } {
  return { width: Math.ceil((width * eighths) / 8), height: Math.ceil((height * eighths) / 8) }
}

function findTurboJpeg(): TurboJpeg | undefined {
  const named = process.env['MILLRACE_TURBOJPEG']
  const problems: unknown[] = []
  for (const name of named ? [named] : libraryNames[process.platform] ?? []) {
    try {
      return bind(name)
    } catch (problem) {
      problems.push(problem)
    }
  }
  if (!named) return undefined
  const reason = (problems[0] as Error).message.trim().split('\n')[0]
  throw new PipelineError('PIPE_OPTION', `MILLRACE_TURBOJPEG: expected the path of a libturbojpeg that koffi can load, found ${named} (${reason}); correct the path or unset the variable`, { cause: problems[0] })
}

function bind(name: string): TurboJpeg {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const library = koffi.load(name)
  const initDecompress = library.func('void *tjInitDecompress(void)')
  const initCompress = library.func('void *tjInitCompress(void)')
  const decompress = library.func('int tjDecompress2(void *handle, const void *jpeg, unsigned long size, void *pixels, int width, int pitch, int height, int format, int flags)')
  const compress = library.func('int tjCompress2(void *handle, const void *pixels, int width, int pitch, int height, int format, void **jpeg, void *size, int sampling, int quality, int flags)')
  const largestSize = library.func('unsigned long tjBufSize(int width, int height, int sampling)')
  const [decompressor, compressor] = [initDecompress() as unknown, initCompress() as unknown]
  if (!decompressor || !compressor) throw new Error('it cannot be initialised')

  const jpegSize = new BigUint64Array(1)
  let scratch = new Uint8Array(0)
  return {
    library: basename(name),
    decode(bytes, width, height, channels, eighths, place) {
      const size = scaledSize(width, height, eighths)
      const data = place ?? new Uint8Array(Buffer.allocUnsafeSlow(size.width * size.height * channels).buffer) // to be filled, or else dropped
      // It fits the image into the size that is given, so that a header it reads otherwise does no harm.
      const result = decompress(decompressor, bytes, bytes.length, data, size.width, size.width * channels, size.height, formats[channels], accurateDct | limitScans) as number
      return result === 0 ? { data, ...size, channels } : undefined
    },
    encode({ data, width, height, channels }, quality, chroma) {
      const sampling = channels === 1 ? greySampling : samplings[chroma]
      const largest = Number(largestSize(width, height, sampling) as number | bigint)
      if (scratch.length < largest) scratch = new Uint8Array(largest)
      jpegSize[0] = 0n
      const result = compress(compressor, data, width, width * channels, height, formats[channels], [scratch], jpegSize, sampling, quality, accurateDct | ownBuffer) as number
      return result === 0 ? scratch.slice(0, Number(jpegSize[0])) : undefined
    },
  }
}
