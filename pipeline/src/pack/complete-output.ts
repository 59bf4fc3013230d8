// The files of a packing run that has ended already, in place of an output: a run that is asked to resume
// compares the source with them and packs nothing. Where they are of something else it fails, as packing
// all again in silence could replace what a person wanted to keep.

import { readdir, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { openRecords, type MetaHeader, type MetaSummary } from '@millrace/recordio'
import { PipelineError } from '../errors.js'
import type { Sample } from '../sample.js'
import type { FileOutputOptions } from './file-output.js'
import { digestOf } from './pack-journal.js'
import type { PackLayout } from './pack-layout.js'
import type { FinishedOutput, PackOutput } from './pack-output.js'
import { PackTally } from './pack-tally.js'
import { rejectsPath } from './reject-list.js'
import type { SampleDigest } from './sample-digest.js'

/** A record file that is there. */
interface FinishedFile {
  readonly path: string
  readonly summary: MetaSummary
  /** Position in the source after its last sample. */
  readonly end: number
}

export class CompleteOutput implements PackOutput {
  readonly from: number
  readonly counts: PackOutput['counts']
  readonly #files: readonly FinishedFile[]
  readonly #rejectsPath: string
  readonly #seen: SampleDigest
  #position = 0
  /** Files whose samples have passed. */
  #passed = 0

  private constructor(files: readonly FinishedFile[], listPath: string, seen: SampleDigest, from: number) {
    const sumOf = (key: 'count' | 'rejected' | 'placeholders' | 'roundedLabels'): number => files.reduce((sum, { summary }) => sum + (summary[key] ?? 0), 0)
    this.from = files.at(-1)?.end ?? from
    this.counts = { packed: sumOf('count'), rejected: sumOf('rejected'), adjusted: 0, placeholders: sumOf('placeholders'), roundedLabels: sumOf('roundedLabels') }
    this.#files = files
    this.#rejectsPath = listPath
    this.#seen = seen
  }

  /**
   * Undefined where a file of the output is not there.
   * @throws PipelineError PIPE_RESUME where they are of other options; RecordError where one is damaged
   */
  static async find({ layout, header, about }: FileOutputOptions, seen: SampleDigest): Promise<CompleteOutput | undefined> {
    const paths = await finishedPaths(layout)
    if (!paths) return undefined
    const files: FinishedFile[] = []
    for (const path of paths) {
      const summary = await summaryOf(path, header)
      files.push({ path, summary, end: (files.at(-1)?.end ?? layout.from) + summary.count + summary.rejected })
    }
    const found = new CompleteOutput(files, rejectsPath(layout.partPath), seen, layout.from)
    await found.#checkRejects(about['onError'])
    return found
  }

  pass(sample: Sample | undefined): void {
    if (sample) {
      this.#seen.add(sample)
      this.#position++
    }
    for (let file = this.#files[this.#passed]; file && file.end === this.#position; file = this.#files[++this.#passed]) {
      if (file.summary.samplesDigest !== this.#seen.value) throw differs(file.path, 'the samples that the source gives now', 'that it was packed from others')
    }
    if (sample || this.#passed === this.#files.length) return
    const { path } = this.#files[this.#passed]!
    throw differs(path, `no more samples than the ${this.#position} that the source gives now`, `that it was packed from ${this.from}`)
  }

  refusal(sample: Sample): never {
    throw this.#tooMany(sample)
  }

  pack(): Promise<void> {
    return Promise.resolve()
  }

  reject(): Promise<void> {
    return Promise.resolve()
  }

  async settle(sample: Sample): Promise<void> {
    throw this.#tooMany(sample)
  }

  async finish(): Promise<FinishedOutput> {
    const { rejected, placeholders } = this.counts
    return {
      summary: summarize(this.#files),
      files: this.#files.map(({ path }) => path),
      ...(rejected + placeholders > 0 && { rejectsPath: this.#rejectsPath }),
      alreadyComplete: true,
    }
  }

  /** Leaves the files alone, and nothing to go on with. */
  async abort(): Promise<boolean> {
    return false
  }

  #tooMany({ key }: Sample): PipelineError {
    return differs(this.#files[0]!.path, `all samples that the source gives now`, `${this.from} of them, the next is ${key}`)
  }

  async #checkRejects(onError: unknown): Promise<void> {
    const { rejected, placeholders } = this.counts
    const [{ path }] = this.#files as [FinishedFile]
    if (rejected + placeholders === 0) return
    if (onError === 'fail') throw differs(path, 'no rejected sample', `${rejected + placeholders}`)
    if (!(await isThere(this.#rejectsPath))) throw differs(path, `its list of rejected samples, ${basename(this.#rejectsPath)}`, 'no such file')
  }
}

/** All files of the output in their order, if they are there; where bytes decide how many, the latest set. */
async function finishedPaths(layout: PackLayout): Promise<string[] | undefined> {
  const { firstShard, lastShard, shardCount } = layout
  const numbered = (from: number, to: number, count: number): string[] => Array.from({ length: to - from }, (_, index) => layout.finalPath(from + index, count))
  if (lastShard !== undefined && shardCount !== undefined) {
    const paths = numbered(firstShard, lastShard, shardCount)
    return paths.length > 0 && (await areThere(paths)) ? paths : undefined
  }
  const first = layout.workPath(0)
  const begin = basename(first).replace(/\.rec$/, '-of-')
  const names = await readdir(dirname(first)).catch(() => [])
  const sets: { paths: string[]; modified: number }[] = []
  for (const name of names) {
    const count = name.startsWith(begin) ? Number(/^(\d{5,6})\.rec$/.exec(name.slice(begin.length))?.[1] ?? 0) : 0
    const paths = numbered(0, count, count)
    if (count > 0 && (await areThere(paths))) sets.push({ paths, modified: (await stat(paths[0]!)).mtimeMs })
  }
  return sets.sort((a, b) => b.modified - a.modified)[0]?.paths
}

async function areThere(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) if (!(await isThere(path))) return false
  return true
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false)
}

/** @throws PipelineError PIPE_RESUME unless the file was packed with these options */
async function summaryOf(path: string, header: FileOutputOptions['header']): Promise<MetaSummary> {
  const unknown = (): PipelineError => differs(path, 'a .meta that tells what it was packed from', 'none')
  if (!(await isThere(path.replace(/\.rec$/i, '') + '.meta'))) throw unknown() // to open it would read all of it
  const file = await openRecords(path)
  await file.close()
  if (file.meta?.summary.samplesDigest === undefined) throw unknown()
  const { labelWidth: _, ...found } = file.meta.header
  const other = (['labelKind', 'classNames', 'pack', 'codecs'] satisfies (keyof MetaHeader)[]).filter((field) => digestOf(found[field] ?? null) !== digestOf(header[field] ?? null))
  if (other.length > 0) throw differs(path, 'the options of this run', `another ${other.join(', ')}`)
  return file.meta.summary
}

/** Of one file, its own; of shards, what can be told without reading them. */
function summarize(files: readonly FinishedFile[]): MetaSummary {
  const [only, other] = files
  if (only && !other) {
    const { samplesDigest: _, ...summary } = only.summary
    return summary
  }
  const total = new PackTally()
  for (const { summary } of files) total.addSummary(summary)
  return total.summary()
}

function differs(path: string, expected: string, found: string): PipelineError {
  return new PipelineError('PIPE_RESUME', `${path}: there is nothing to go on with, and the file that is there: expected ${expected}, found ${found}; pack without --resume to replace it, or give another name`, { path })
}
