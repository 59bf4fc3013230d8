// The folder of a sample data set: it is claimed, files are written into it, and it is marked as ours.
//
//   DIR/sample.json    what was drawn, with which seed, whether all of it is there, and the names beside it
//
// A folder with other things in it is left alone; a former sample is replaced.

import type { RawImage } from '@millrace/infer'
import sharp, { type Sharp } from 'sharp'
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { CliError } from '../errors.js'
import { createRandom, type Random } from './random.js'

/** A part of a data set. */
export type PartName = (typeof partNames)[number]

/** The parts in the order in which they are drawn; the place is the random stream, so it never changes. */
export const partNames = ['train', 'validation', 'test'] as const

/** Images of one part at most. */
export const largestPart = 100_000

const markerName = 'sample.json'
const jpegQuality = 92
/** Images in flight: while sharp's threads encode, the next ones are drawn. */
const lanes = 8

/** Draws and writes the images of one sample. */
export class SampleFolder {
  readonly #made = new Set<string>()
  #bytes = 0

  /** `claimFolder` comes first. */
  constructor(
    readonly path: string,
    readonly seed: number,
    private readonly signal: AbortSignal | undefined,
    private readonly onDrawn: (part: PartName) => void,
  ) {}

  /** What was written so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Writes a file; folders on the way are made. */
  async write(name: string, content: Uint8Array | string): Promise<void> {
    const path = join(this.path, name)
    const folder = dirname(path)
    if (!this.#made.has(folder)) await mkdir(folder, { recursive: true })
    this.#made.add(folder)
    await writeFile(path, content)
    this.#bytes += Buffer.byteLength(content)
  }

  /**
   * Calls `draw` for 0 … count − 1, a few at a time, each with its own random numbers; they follow from the
   * seed, the part and the index alone. What it gives comes back in order.
   */
  async draw<T>(part: PartName, count: number, draw: (random: Random, index: number) => Promise<T> | T): Promise<T[]> {
    const drawn: T[] = []
    await inLanes(count, async (index) => {
      this.signal?.throwIfAborted()
      drawn[index] = await draw(createRandom(this.seed, partNames.indexOf(part), index), index)
      this.onDrawn(part)
    })
    return drawn
  }

  /** As `draw`, and writes each image under its `file`, a .jpg, .JPEG or .png; the images themselves are not kept. */
  drawFiles<T extends { readonly file: string; readonly image: RawImage }>(part: PartName, count: number, draw: (random: Random, index: number) => T): Promise<Omit<T, 'image'>[]> {
    return this.draw(part, count, async (random, index) => {
      const { image, ...drawn } = draw(random, index)
      await this.write(drawn.file, await encodeImage(image, extname(drawn.file)))
      return drawn
    })
  }
}

/** An image's bytes: PNG for `.png`, else JPEG. */
export function encodeImage(image: RawImage, extension: string): Promise<Buffer> {
  return extension === '.png' ? encodePng(image) : toSharp(image).jpeg({ quality: jpegQuality }).toBuffer()
}

/** An RGB image as PNG bytes. */
export function encodePng(image: RawImage): Promise<Buffer> {
  return toSharp(image).png({ compressionLevel: 6, adaptiveFiltering: false }).toBuffer()
}

function toSharp({ data, width, height, channels }: RawImage): Sharp {
  return sharp(data, { raw: { width, height, channels } })
}

/** Runs `work` for 0 … count − 1, a few at a time. After a failure nothing new begins, and all have ended. */
export async function inLanes(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) {
      try {
        await work(next++)
      } catch (error) {
        next = count
        throw error
      }
    }
  }
  const results = await Promise.allSettled(Array.from({ length: lanes }, lane))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/**
 * Takes a folder for a sample and removes what a former one wrote there.
 * @throws CliError CLI_SAMPLE_FOLDER where it holds other things or cannot be made
 */
export async function claimFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new CliError('CLI_SAMPLE_FOLDER', `${folder}: cannot be made a folder: ${(error as Error).message}; name another`, { cause: error })
  })
  const names = await readdir(folder)
  const former = names.includes(markerName) ? await readMarker(join(folder, markerName)) : undefined
  if (names.length > 0 && former === undefined) {
    throw new CliError(
      'CLI_SAMPLE_FOLDER',
      `${folder}: expected a new or empty folder or a former sample, found ${names.length} other entries (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}); name another folder`,
    )
  }
  for (const name of former ?? []) if (names.includes(name)) await rm(join(folder, name), { recursive: true, force: true })
}

/** Marks a folder as a sample. `holds`: the names of what it writes there, which the next sample may remove. */
export function writeMarker(folder: string, facts: { readonly kind: string; readonly complete: boolean; readonly seed: number; readonly holds: readonly string[] } & Readonly<Record<string, unknown>>): Promise<void> {
  return writeFile(join(folder, markerName), `${JSON.stringify({ format: 'millrace-sample', ...facts }, undefined, 2)}\n`)
}

/** The names that a former sample wrote; undefined if it is none. */
async function readMarker(path: string): Promise<string[] | undefined> {
  try {
    const { format, holds = partNames } = JSON.parse(await readFile(path, 'utf8')) as { format?: unknown; holds?: unknown }
    if (format !== 'millrace-sample' || !Array.isArray(holds)) return undefined
    return holds.filter((name): name is string => typeof name === 'string' && /^[\w.-]+$/.test(name) && !/^\.+$/.test(name))
  } catch {
    return undefined
  }
}

/** @throws CliError CLI_USAGE for a number that is not whole or not within the two */
export function checkWhole(option: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return
  throw new CliError('CLI_USAGE', `${option}: expected a whole number from ${low} to ${high}, found ${value}`)
}
