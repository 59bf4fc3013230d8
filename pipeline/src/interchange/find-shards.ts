// The files of a data set that is kept in shards, in the order of their names. A path can be
//
//   train.tfrecord                       a file
//   shards/                              a folder: all shards directly in it
//   shards/train                         the name before -00000-of-00010, …, -00009-of-00010 and any ending
//   shards/train-{000000..000099}.tar    a range of numbers
//
// Of shards that are numbered "of" a number, all must be there.

import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PipelineError } from '../errors.js'
import { compareNames, isHidden } from '../providers/image-name.js'
import { unreadableSource } from '../providers/image-provider.js'

export interface ShardOptions {
  /** Names of shards, in a folder. */
  readonly pattern: RegExp
  /** Only shards of that part, in a folder: train, val or test, as a word in the name. Default: all. */
  readonly split?: string | undefined
}

export interface Shards {
  readonly paths: readonly string[]
  /** Files of the folder that are none, by reason. */
  readonly ignored: ReadonlyMap<string, number>
}

const numbered = /^(.*-)(\d{1,10})-of-(\d{1,10})(.*)$/
const range = /^(.*)\{(\d{1,10})\.\.(\d{1,10})\}(.*)$/
const maxShards = 1_000_000
const words = { train: 'train(?:ing)?', val: 'val(?:id(?:ation)?)?', test: 'test(?:ing)?' } as const

/** @throws PipelineError PIPE_SOURCE_MISSING, also for a shard of a set that is not there; PIPE_EMPTY, PIPE_OPTION */
export async function findShards(path: string, { pattern, split }: ShardOptions): Promise<Shards> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) return inFolder(path, pattern, split)
  if (split !== undefined) throw new PipelineError('PIPE_OPTION', `split: expected a folder of shards whose names tell their part, found ${path}; leave it out`)
  if (found) return { paths: [path], ignored: new Map() }
  const paths = expandRange(path) ?? (await byPrefix(path))
  for (const each of paths) await stat(each).catch((cause: unknown) => Promise.reject(unreadableSource(each, cause)))
  return { paths, ignored: new Map() }
}

async function inFolder(folder: string, pattern: RegExp, split: string | undefined): Promise<Shards> {
  const names = await namesIn(folder)
  const shards = names.filter((name) => pattern.test(name) && !isHidden(name))
  if (shards.length === 0) throw new PipelineError('PIPE_EMPTY', `${folder}: expected shards, found none among ${names.length} files; check the path`, { path: folder })
  checkComplete(folder, shards)
  const ignored = new Map<string, number>(names.length > shards.length ? [['no shard', names.length - shards.length]] : [])
  if (split === undefined) return { paths: shards.map((name) => join(folder, name)), ignored }
  const chosen = shards.filter((name) => partsOf(name).includes(split))
  if (chosen.length > 0) return { paths: chosen.map((name) => join(folder, name)), ignored }
  const parts = [...new Set(shards.flatMap(partsOf))]
  throw new PipelineError('PIPE_OPTION', `split: expected ${parts.length > 0 ? parts.join(' or ') : 'shards whose names tell their part'} in ${folder}, found ${JSON.stringify(split)}`)
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name).sort(compareNames)
  } catch (cause) {
    throw unreadableSource(folder, cause)
  }
}

function partsOf(name: string): string[] {
  return Object.entries(words).flatMap(([part, word]) => (new RegExp(`(?:^|[^a-z])${word}(?![a-z])`, 'i').test(name) ? [part] : []))
}

function expandRange(path: string): string[] | undefined {
  const [, start, first, last, end] = range.exec(path) ?? []
  if (first === undefined || last === undefined) return undefined
  const count = Number(last) - Number(first) + 1
  if (count < 1 || count > maxShards) throw new PipelineError('PIPE_OPTION', `${path}: expected 1 to ${maxShards} shards, found ${count}`, { path })
  return Array.from({ length: count }, (_, place) => `${start}${String(Number(first) + place).padStart(first.length, '0')}${end}`)
}

async function byPrefix(path: string): Promise<string[]> {
  const folder = dirname(path)
  const isThere = await stat(folder).then((found) => found.isDirectory(), () => false)
  const names = isThere ? (await namesIn(folder)).filter((name) => numbered.exec(name)?.[1] === `${basename(path)}-`) : []
  if (names.length === 0) throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected a file, a folder of shards, or the name before -00000-of-…, found none; check the path`, { path })
  checkComplete(folder, names)
  return names.map((name) => join(folder, name))
}

/** Each set of shards "of" a number has so many. */
function checkComplete(folder: string, names: readonly string[]): void {
  const sets = new Map<string, { start: string; width: number; total: string; end: string; found: Set<number> }>()
  for (const name of names) {
    const [, start, number, total, end] = numbered.exec(name) ?? []
    if (start === undefined || number === undefined || total === undefined || end === undefined) continue
    const set = sets.get(`${start}\0${total}\0${end}`) ?? { start, width: number.length, total, end, found: new Set() }
    sets.set(`${start}\0${total}\0${end}`, set)
    set.found.add(Number(number))
  }
  for (const { start, width, total, end, found } of sets.values()) {
    const missing = Array.from({ length: found.size + 1 }, (_, number) => number).find((number) => !found.has(number))!
    if (found.size === Number(total) && missing === found.size) continue
    const name = `${start}${String(missing).padStart(width, '0')}-of-${total}${end}`
    throw new PipelineError('PIPE_SOURCE_MISSING', `${join(folder, name)}: expected ${total} shards numbered from 0, found ${found.size} without this one; fetch it, or name the shards one by one`, { path: join(folder, name) })
  }
}
