// Some samples of each split, every one equally likely, without looking at an image: records are read at
// places drawn beforehand, other sources are gone through once with a reservoir (Vitter, "Random sampling
// with a reservoir", 1985, algorithm R). The same seed chooses the same samples.

import type { Label, Sample, Source } from '@millrace/pipeline'
import { createRandom, type Random } from '../samples/random.js'
import { isRecordSource, type ReportInput } from './open-inputs.js'
import type { RecordSource } from './record-source.js'

export interface ChooseOptions {
  /** How many in all; each split gives the same share of them, as far as it has them. */
  readonly count: number
  readonly seed: number
  /** Only samples with one of these classes. Default: all. */
  readonly classes?: ReadonlySet<string>
  readonly signal: AbortSignal
  /** Samples gone through. */
  readonly onProgress?: (samples: number) => void
}

export interface ChosenSample {
  readonly split: string
  readonly sample: Sample
  readonly classNames: readonly string[]
}

export interface ChosenSamples {
  /** By split, in the order of the data. */
  readonly samples: readonly ChosenSample[]
  readonly splits: readonly ChosenSplit[]
}

export interface ChosenSplit {
  readonly name: string
  /** Samples that it has; those of the wanted classes where some are wanted. */
  readonly total: number
  readonly chosen: number
}

export async function chooseSamples(inputs: readonly ReportInput[], options: ChooseOptions): Promise<ChosenSamples> {
  const names = [...new Set(inputs.map(({ split }) => split))]
  const samples: ChosenSample[] = []
  const splits: ChosenSplit[] = []
  for (const [index, name] of names.entries()) {
    const sources = inputs.filter(({ split }) => split === name).map(({ source }) => source)
    const count = Math.ceil((options.count - samples.length) / (names.length - index))
    const random = createRandom(options.seed, index)
    const chosen = options.classes === undefined && sources.every(isRecordSource) ? await drawRecords(sources, count, random) : await drawSamples(sources, count, random, options)
    samples.push(...chosen.samples.map(({ sample, classNames }) => ({ split: name, sample, classNames })))
    splits.push({ name, total: chosen.total, chosen: chosen.samples.length })
  }
  return { samples, splits }
}

/** The classes that a label names: of the image, its boxes or its digits. */
export function classesOf(label: Label): readonly number[] {
  switch (label.kind) {
    case 'class':
      return [label.value]
    case 'values':
      return []
    case 'digits':
      return [...new Set(label.digits)]
    case 'boxes':
      return [...new Set(label.boxes.map((box) => box.class))]
  }
}

type Drawn = { readonly samples: readonly Omit<ChosenSample, 'split'>[]; readonly total: number }

async function drawRecords(sources: readonly RecordSource[], count: number, random: Random): Promise<Drawn> {
  const counts: number[] = []
  for (const source of sources) counts.push(await source.count())
  const total = counts.reduce((sum, each) => sum + each, 0)
  const places = drawPlaces(total, count, random)
  const samples: Omit<ChosenSample, 'split'>[] = []
  let first = 0
  for (const [index, source] of sources.entries()) {
    const end = first + counts[index]!
    const own = places.filter((place) => place >= first && place < end).map((place) => place - first)
    for await (const sample of source.samplesAt(own)) samples.push({ sample, classNames: source.classNames ?? [] })
    first = end
  }
  return { samples, total }
}

/** `count` different places below `total`, ascending: Floyd's algorithm (Bentley, "Programming pearls", 1987). */
function drawPlaces(total: number, count: number, random: Random): number[] {
  const places = new Set<number>()
  for (let last = Math.max(0, total - count); last < total; last++) {
    const place = Math.floor(random() * (last + 1))
    places.add(places.has(place) ? last : place)
  }
  return [...places].sort((a, b) => a - b)
}

async function drawSamples(sources: readonly Source[], count: number, random: Random, { classes, signal, onProgress }: ChooseOptions): Promise<Drawn> {
  const kept: { readonly place: number; readonly sample: Sample; readonly classNames: readonly string[] }[] = []
  let seen = 0
  let total = 0
  for (const source of sources) {
    const { classNames = [] } = source
    for await (const sample of source) {
      signal.throwIfAborted()
      onProgress?.(++seen)
      if (classes && !classesOf(sample.label).some((number) => classes.has(`${number}`) || classes.has(classNames[number] ?? ''))) continue
      const place = total++
      const slot = place < count ? place : Math.floor(random() * total)
      if (slot < count) kept[slot] = { place, sample, classNames }
    }
  }
  kept.sort((a, b) => a.place - b.place)
  return { samples: kept, total }
}
