// ImageNet's classes: WordNet ids, their words and their numbers, as the development kit or Kaggle gives them.
//
//   map_clsloc.txt           n02119789 1 kit_fox                 number from 1, in the kit's own order
//   LOC_synset_mapping.txt   n01440764 tench, Tinca tinca        in the order of the WordNet ids
//
// The two orders differ. A class is named by its id and the first of its words, "n01440764 tench", which
// comes to the same in both.

import { PipelineError } from '../errors.js'
import { compareNames } from '../providers/image-name.js'
import { maxClasses } from '../class-names.js'
import { lineError, readTextLines } from './text-lines.js'

/** 'clsloc': the kit's number less 1; 'sorted': the place among all WordNet ids in order. */
export type ImageNetOrder = 'clsloc' | 'sorted'

export interface ImageNetClasses {
  /** Id and first word, by class. */
  readonly names: readonly string[]
  /** WordNet id → class. */
  readonly ofId: ReadonlyMap<string, number>
  /** The kit's number, from 1, → class; empty where the map has no numbers. */
  readonly ofNumber: ReadonlyMap<number, number>
}

/**
 * Reads a map of classes. `order` undefined: the kit's where the map has numbers, else sorted.
 * @throws PipelineError PIPE_SOURCE_MISSING; PIPE_LIST with the line; PIPE_EMPTY; PIPE_OPTION for the
 *   kit's order from a map without numbers, or with gaps between them
 */
export async function readImageNetClasses(path: string, hasNumbers: boolean, order: ImageNetOrder | undefined, signal?: AbortSignal): Promise<ImageNetClasses> {
  const mapped = await readMap(path, hasNumbers, signal)
  const isKitOrder = order === undefined ? hasNumbers : order === 'clsloc'
  if (isKitOrder) {
    mapped.sort((a, b) => a.number - b.number)
    if (mapped.some(({ number }, place) => number !== place + 1)) {
      throw new PipelineError('PIPE_OPTION', `task: expected "sorted", as the classes of ${path} have no numbers, or not every number from 1 to ${mapped.length}, found "clsloc"; choose "sorted", or add the whole map_clsloc.txt`, { path })
    }
  } else mapped.sort((a, b) => compareNames(a.id, b.id))
  return {
    names: mapped.map(({ id, word }) => `${id} ${word}`),
    ofId: new Map(mapped.map(({ id }, place) => [id, place])),
    ofNumber: new Map(hasNumbers ? mapped.map(({ number }, place) => [number, place]) : []),
  }
}

interface MappedClass {
  readonly id: string
  readonly word: string
  /** The kit's, from 1; 0 where the map has none. */
  readonly number: number
}

async function readMap(path: string, hasNumbers: boolean, signal: AbortSignal | undefined): Promise<MappedClass[]> {
  const mapped: MappedClass[] = []
  const lineOf = new Map<string | number, number>()
  for await (const { first, lines } of readTextLines(path, signal)) {
    for (const [index, text] of lines.entries()) {
      const line = first + index
      if (text.trim() === '') continue
      const entry = parseClass(text, hasNumbers)
      if (entry === undefined) throw lineError(path, line, hasNumbers ? '"WNID NUMBER WORDS" with a number from 1' : '"WNID WORDS"', JSON.stringify(text.slice(0, 100)))
      for (const key of hasNumbers ? [entry.id, entry.number] : [entry.id]) {
        if (lineOf.has(key)) throw lineError(path, line, 'every class once', `${key} again, from line ${lineOf.get(key)}`)
        lineOf.set(key, line)
      }
      mapped.push(entry)
      if (mapped.length > maxClasses) throw lineError(path, line, `at most ${maxClasses} classes`, 'more')
    }
  }
  if (mapped.length === 0) throw new PipelineError('PIPE_EMPTY', `${path}: expected a class a line, found none; fetch the file again`, { path })
  return mapped
}

function parseClass(text: string, hasNumbers: boolean): MappedClass | undefined {
  const found = (hasNumbers ? withNumber : withoutNumber).exec(text.trim())?.groups
  return found && { id: found['id']!, word: found['words']!.split(',')[0]!.replaceAll('_', ' '), number: Number(found['number'] ?? 0) }
}

const withNumber = /^(?<id>[^\s/]+)[ \t]+(?<number>[1-9]\d{0,8})[ \t]+(?<words>\S.*)$/
const withoutNumber = /^(?<id>[^\s/]+)[ \t]+(?<words>\S.*)$/
