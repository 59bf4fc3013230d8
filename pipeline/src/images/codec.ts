// Which library decodes and encodes JPEG. Both give the same bytes; a manifest names the one that ran.

import sharp from 'sharp'
import { PipelineError } from '../errors.js'
import { loadTurboJpeg, type TurboJpeg } from './turbojpeg.js'

/** `sharp` is always there; `turbojpeg` is quicker where a libturbojpeg is installed. */
export type Codec = 'sharp' | 'turbojpeg'

/**
 * The libturbojpeg of codec `turbojpeg`; `undefined` for `sharp`.
 * @throws PipelineError PIPE_OPTION if there is none on this machine
 */
export function turboJpegOf(codec: Codec): TurboJpeg | undefined {
  if (codec === 'sharp') return undefined
  const turboJpeg = loadTurboJpeg()
  if (turboJpeg) return turboJpeg
  throw new PipelineError('PIPE_OPTION', 'codec: expected a codec of this machine, found turbojpeg without libturbojpeg or the npm package koffi; install them (Debian: apt-get install libturbojpeg0), name the library in MILLRACE_TURBOJPEG, or choose sharp')
}

/**
 * The versions of what may decode and encode images with this codec.
 * @throws PipelineError PIPE_OPTION as {@link turboJpegOf}
 */
export function codecVersions(codec: Codec): Record<string, string> {
  const { sharp: own, vips, mozjpeg, png, webp } = sharp.versions as Record<string, string | undefined>
  const library = turboJpegOf(codec)?.library
  const versions = { sharp: own, vips, mozjpeg, png, webp, turbojpeg: library }
  return Object.fromEntries(Object.entries(versions).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
