// From one packed format to another, image by image: no image is decoded, so none changes.

import { Readable, pipeline } from 'node:stream'
import { createGzip } from 'node:zlib'
import { PipelineError, throwIfAborted } from '../errors.js'
import { RejectList, rejectsPath } from '../pack/reject-list.js'
import { writeWholeFile } from '../whole-file.js'
import type { LabelledImage, ReadImagesOptions, RejectedImage } from './labelled-image.js'
import { readMetaHeader, readRecordImages, writeRecordImages } from './record-images.js'
import { encodeTfRecordImages, readTfRecordClassNames, readTfRecordImages } from './tfrecord-images.js'
import { readWebDataset } from './web-dataset-reader.js'
import { encodeWebDataset } from './web-dataset-writer.js'

export type InterchangeFormat = 'rec' | 'tfrecord' | 'webdataset'

export interface ConvertOptions extends ReadImagesOptions {
  readonly input: string
  readonly output: string
  /** Default: by the ending of `input`: .rec; .tfrecord, .tfrecords (with -00000-of-00010, .gz); .tar, .tar.gz, .tgz. */
  readonly from?: InterchangeFormat
  /** Default: by the ending of `output`. */
  readonly to?: InterchangeFormat
  /** 'skip' lists a sample that cannot be used and goes on (the default); 'fail' stops there. */
  readonly onError?: 'skip' | 'fail'
  /** Called after each sample. */
  readonly onProgress?: (progress: ConvertProgress) => void
}

export interface ConvertProgress {
  readonly converted: number
  readonly rejected: number
}

export interface ConvertReport extends ConvertProgress {
  readonly from: InterchangeFormat
  readonly to: InterchangeFormat
  readonly seconds: number
  /** The list of rejected samples, if there are any. */
  readonly rejectsPath?: string
}

/**
 * Converts a file. The output appears when it is whole; with rejects, OUTPUT.rejects.jsonl before it.
 * From TFRecord to `.rec` the file is read twice, since class names stand beside each label there and
 * before the records here.
 *
 * @throws PipelineError PIPE_OPTION (formats), PIPE_EMPTY, PIPE_ALL_REJECTED, PIPE_OUTPUT, PIPE_ABORTED, what the
 *   readers throw, with onError 'fail' the first rejected sample's error; RecordError
 */
export async function convert(options: ConvertOptions): Promise<ConvertReport> {
  const { input, output, from = formatOf(input, 'from'), to = formatOf(output, 'to'), onReject: _, ...reading } = options
  if (from === to) throw new PipelineError('PIPE_OPTION', `expected two formats, found ${from} twice; name them (--from, --to)`)
  const run = await Conversion.begin(options)
  const startedAt = performance.now()
  try {
    const classNames = options.classNames ?? (await readClassNames(input, from, to, reading.signal))
    const images = await run.checkFirst(run.count(readers[from](input, { ...reading, ...run.inReading })))
    if (to === 'rec') await writeRecordImages(output, images, { classNames, pack: { convertedFrom: from }, ...run.inWriting, beforeClose: () => run.end() })
    else await writeWholeFile(output, compressed(output, run.endWith(encode(to, images, classNames, run))), reading.signal)
    return { from, to, converted: run.converted, rejected: run.rejected, seconds: (performance.now() - startedAt) / 1000, ...(run.rejected > 0 && { rejectsPath: run.rejectsPath }) }
  } catch (error) {
    await run.abort()
    throw error
  }
}

const readers: Record<InterchangeFormat, (path: string, options: ReadImagesOptions) => AsyncGenerator<LabelledImage, void, undefined>> = {
  rec: readRecordImages,
  tfrecord: readTfRecordImages,
  webdataset: readWebDataset,
}

const endings: readonly (readonly [InterchangeFormat, RegExp])[] = [
  ['rec', /\.rec$/i],
  ['tfrecord', /\.tfrecords?(?:-\d+-of-\d+)?(?:\.gz)?$/i],
  ['webdataset', /\.(?:tar|tar\.gz|tgz)$/i],
]

function formatOf(path: string, option: string): InterchangeFormat {
  const found = endings.find(([, ending]) => ending.test(path))
  if (found) return found[0]
  throw new PipelineError('PIPE_OPTION', `${path}: expected a name that ends in .rec, .tfrecord, .tar or .tgz; rename it, or name its format (--${option})`, { path })
}

async function readClassNames(input: string, from: InterchangeFormat, to: InterchangeFormat, signal: AbortSignal | undefined): Promise<readonly string[] | undefined> {
  if (from === 'rec') return (await readMetaHeader(input))?.classNames
  return from === 'tfrecord' && to === 'rec' ? readTfRecordClassNames([input], signal) : undefined
}

function encode(to: 'tfrecord' | 'webdataset', images: AsyncIterable<LabelledImage>, classNames: readonly string[] | undefined, run: Conversion): AsyncIterable<Uint8Array> {
  return to === 'tfrecord' ? encodeTfRecordImages(images, classNames) : encodeWebDataset(images, run.inWriting)
}

function compressed(path: string, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  if (!/\.(?:gz|tgz)$/i.test(path)) return chunks
  return pipeline(Readable.from(chunks), createGzip(), () => {}) as AsyncIterable<Uint8Array> // its iterator throws the error
}

/** What a conversion counts, and its list of rejects. */
class Conversion {
  converted = 0
  rejected = 0
  readonly #options: ConvertOptions
  readonly #rejects: RejectList
  #firstReject: RejectedImage | undefined
  #lastListed: Promise<void> = Promise.resolve()

  private constructor(options: ConvertOptions, rejects: RejectList) {
    this.#options = options
    this.#rejects = rejects
  }

  static async begin(options: ConvertOptions): Promise<Conversion> {
    return new Conversion(options, await RejectList.open(rejectsPath(options.output), `${process.pid}`))
  }

  get rejectsPath(): string {
    return this.#rejects.path
  }

  /** For readers; nothing where the first reject shall end the work. */
  get inReading(): Pick<ReadImagesOptions, 'onReject'> {
    return this.#options.onError === 'fail' ? {} : { onReject: (rejected) => this.#reject(rejected) }
  }

  /** For writers, which reject what has been counted. */
  get inWriting(): Pick<ReadImagesOptions, 'onReject'> {
    if (this.#options.onError === 'fail') return {}
    return {
      onReject: (rejected) => {
        this.converted--
        this.#reject(rejected)
      },
    }
  }

  async *count(images: AsyncIterable<LabelledImage>): AsyncGenerator<LabelledImage, void, undefined> {
    for await (const image of images) {
      throwIfAborted(this.#options.signal)
      await this.#lastListed
      this.converted++
      yield image
      this.#options.onProgress?.({ converted: this.converted, rejected: this.rejected })
    }
  }

  /** The same images; nothing is written where there is none. */
  async checkFirst(images: AsyncGenerator<LabelledImage, void, undefined>): Promise<AsyncIterable<LabelledImage>> {
    const first = await images.next()
    if (first.done === true) await this.end()
    return (async function* () {
      if (first.done !== true) yield first.value
      yield* images
    })()
  }

  /** The same chunks; the list of rejects is in place before the last of them is. */
  async *endWith(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    yield* chunks
    await this.end()
  }

  /** Publishes the list of rejects. @throws PipelineError where they are all there is */
  async end(): Promise<{ rejected: number }> {
    await this.#lastListed
    await this.#rejects.publish()
    if (this.converted === 0) throw this.#nothingConverted()
    return { rejected: this.rejected }
  }

  async abort(): Promise<void> {
    await this.#lastListed.catch(() => {})
    await this.#rejects.discard()
  }

  #reject(rejected: RejectedImage): void {
    this.rejected++
    this.#firstReject ??= rejected
    this.#lastListed = this.#lastListed.then(() => this.#rejects.add(rejected))
    this.#lastListed.catch(() => {}) // thrown by whoever waits for it
    this.#options.onReject?.(rejected)
  }

  #nothingConverted(): PipelineError {
    const { input } = this.#options
    if (!this.#firstReject) return new PipelineError('PIPE_EMPTY', `${input}: expected images, found none; check the path`, { path: input })
    return new PipelineError('PIPE_ALL_REJECTED', `${input}: expected at least one usable sample, found all ${this.rejected} rejected, the first because: ${this.#firstReject.reason}`, { path: input })
  }
}
