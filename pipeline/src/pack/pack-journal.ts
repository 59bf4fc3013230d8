// The journal of a packing run, `x.rec.partial` beside `x.rec`: JSON lines, each on the disk before the
// run goes on to promise more. The first says what is packed and how; each other one where the run can
// be taken up again. Only the last counts, so a journal that has grown long is begun anew with it. A last line
// that a crash cut short is left out; so is one that its checksum (CRC-32C of the rest, in hex) does not fit.
//
//   {"journal":1,"token":"…","digest":"…","about":{…},"crc":"…"}     token: part of the partial files' names
//   {"position":4000,"bytes":1048576, …}                            a batch is on the disk (JournalState)
//   {…,"shardsInAll":3}                                             all are; they are being given their names

import { crc32c } from '@node-rs/crc32'
import { createHash } from 'node:crypto'
import { open, readdir, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncFolder, writeFully } from '../durable-write.js'
import { PipelineError } from '../errors.js'
import { emptyTally, type TallyState } from './pack-tally.js'

/** Where a run can go on. */
export interface JournalState {
  /** Samples of the source that are done with. */
  readonly position: number
  /** SHA-256 over the ids, keys and labels of this run's samples up to there. */
  readonly seen: string
  /** The shard that is being written, the bytes of it that the disk has, and what is in them. */
  readonly shard: number
  readonly bytes: number
  readonly tally: TallyState
  /** All shards before it. */
  readonly total: TallyState
  /** Numbers in a label; absent before the first record. */
  readonly labelWidth?: number
  /** Bytes of the list of rejects. */
  readonly rejectBytes: number
  /** Set once every shard is whole. */
  readonly shardsInAll?: number
}

export const startOf = (position: number, shard: number): JournalState => ({
  position,
  seen: '',
  shard,
  bytes: 0,
  tally: emptyTally,
  total: emptyTally,
  rejectBytes: 0,
})

/** What a journal says, read back. */
export interface FoundJournal {
  readonly token: string
  readonly digest: string
  readonly about: Readonly<Record<string, unknown>>
  /** Undefined where no batch had reached the disk. */
  readonly state: JournalState | undefined
}

/** A journal may grow to so much, or to so many of its lines: of many classes one can be megabytes. */
const longestJournal = 2 ** 20
const mostLines = 8

export class PackJournal {
  readonly path: string
  readonly #head: Omit<FoundJournal, 'state'>
  #file: FileHandle | undefined
  #bytes = 0
  /** Whether there is something to go on from. */
  hasState = false

  private constructor(path: string, { token, digest, about }: Omit<FoundJournal, 'state'>) {
    this.path = path
    this.#head = { token, digest, about }
  }

  /** Begins a journal in place of any other. @throws PipelineError PIPE_OUTPUT */
  static async create(path: string, head: Omit<FoundJournal, 'state'>): Promise<PackJournal> {
    const journal = new PackJournal(path, head)
    await attempt(path, async () => {
      await removeUnfinished(path)
      await journal.#begin()
    })
    return journal
  }

  /** Goes on with the journal that `readJournal` found. @throws PipelineError PIPE_OUTPUT */
  static async reopen(path: string, found: FoundJournal): Promise<PackJournal> {
    const journal = new PackJournal(path, found)
    journal.hasState = found.state !== undefined
    await attempt(path, () => journal.#begin(found.state))
    return journal
  }

  /** Resolves when the disk has the line. @throws PipelineError PIPE_OUTPUT */
  async add(state: JournalState): Promise<void> {
    await attempt(this.path, async () => {
      const line = lineOf(state)
      const isLong = this.#bytes + line.length > Math.max(longestJournal, mostLines * line.length)
      if (isLong || !this.#file) return this.#begin(state)
      await writeFully(this.#file, line)
      await this.#file.datasync()
      this.#bytes += line.length
    })
    this.hasState = true
  }

  /** Leaves the journal for a later run. Never fails. */
  async suspend(): Promise<void> {
    await this.#file?.close().catch(() => {})
    this.#file = undefined
  }

  /** Removes it. Never fails. */
  async remove(): Promise<void> {
    await this.suspend()
    await rm(this.path, { force: true }).catch(() => {})
  }

  /** Puts a new journal with this state in the place of the one there is; until then that one counts. */
  async #begin(state?: JournalState): Promise<void> {
    const temporary = `${this.path}-${this.#head.token}`
    const file = await open(temporary, 'w')
    try {
      const bytes = Buffer.concat([lineOf({ journal: 1, ...this.#head }), ...(state ? [lineOf(state)] : [])])
      await writeFully(file, bytes)
      await file.datasync()
      await rename(temporary, this.path)
      await syncFolder(this.path)
      await this.suspend()
      this.#file = file
      this.#bytes = bytes.length
    } catch (error) {
      await file.close().catch(() => {})
      await rm(temporary, { force: true }).catch(() => {})
      throw error
    }
  }
}

/** The object with its own checksum as last field. */
function lineOf(value: object): Buffer {
  const text = JSON.stringify(value)
  return Buffer.from(`${text.slice(0, -1)},"crc":"${checksumOf(text)}"}\n`)
}

function checksumOf(text: string): string {
  return crc32c(text).toString(16).padStart(8, '0')
}

/** @throws PipelineError PIPE_OUTPUT where it is there but cannot be read; PIPE_RESUME where it is no journal */
export async function readJournal(path: string): Promise<FoundJournal | undefined> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw outputError(path, cause)
  })
  if (text === undefined) return undefined
  const [head, ...states] = text.split('\n').flatMap((line) => parseLine(line) ?? [])
  if (!isHead(head)) throw new PipelineError('PIPE_RESUME', `${path}: expected the journal of a packing run, found something else; remove it and pack without --resume`, { path })
  return { token: head.token, digest: head.digest, about: head.about, state: states.filter(isState).at(-1) }
}

/** A digest of options that are plain data; the order of their fields does not matter. */
export function digestOf(about: unknown): string {
  return createHash('sha256').update(JSON.stringify(about, (_key, value: unknown) => (isFields(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value))).digest('hex')
}

/** A journal that a crash kept from getting its name. */
async function removeUnfinished(path: string): Promise<void> {
  const names = await readdir(dirname(path))
  const unfinished = names.filter((name) => name.startsWith(`${basename(path)}-`) && /-[0-9a-f]{12}$/.test(name))
  for (const name of unfinished) await rm(join(dirname(path), name), { force: true })
}

/** Undefined for a line that was cut or damaged. */
function parseLine(line: string): unknown[] | undefined {
  const [, fields, checksum] = /^(.*),"crc":"([0-9a-f]{8})"\}$/.exec(line) ?? []
  if (fields === undefined || checksumOf(`${fields}}`) !== checksum) return undefined
  return [JSON.parse(`${fields}}`)]
}

function isHead(value: unknown): value is { token: string; digest: string; about: Record<string, unknown> } {
  return isFields(value) && value['journal'] === 1 && typeof value['token'] === 'string' && /^[\w-]+$/.test(value['token']) && typeof value['digest'] === 'string' && isFields(value['about'])
}

function isState(value: unknown): value is JournalState {
  return isFields(value) && ['position', 'shard', 'bytes', 'rejectBytes'].every((field) => Number.isSafeInteger(value[field])) && typeof value['seen'] === 'string' && isFields(value['tally']) && isFields(value['total'])
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  return work().catch((cause: unknown) => {
    throw outputError(path, cause as Error)
  })
}

function outputError(path: string, cause: Error): PipelineError {
  return new PipelineError('PIPE_OUTPUT', `${path}: the journal of the packing cannot be written or read (${cause.message}); check the folder and the space on the disk`, { path, cause })
}
