// Some classes of a source, numbered anew. Class labels: the samples of other classes are left out. Boxes:
// those of other classes are left out, and with them the samples that have no box then. What is left out
// is counted in `ignored`; a sample whose label is not known stays, to be rejected by name.

import { PipelineError } from '../errors.js'
import type { Label } from '../label.js'
import type { Sample, SampleOutline, Source } from '../sample.js'
import { outlinesOf } from './outlines.js'

/**
 * The samples of these classes; class i is `classes[i]`. A class is called by its name, or by its number
 * where no class has that name.
 * @throws PipelineError PIPE_OPTION for a source without classes, a class that it does not have, none, or one twice
 */
export function selectClasses(source: Source, classes: readonly string[]): Source {
  const renumbered = renumber(source, classes)
  const ignored = new Map<string, number>()
  return {
    ...source,
    ...(source.classNames && { classNames: [...renumbered.keys()].map((number) => source.classNames![number]!) }),
    ignored,
    async count() {
      let count = 0
      for await (const outline of outlinesOf(source)) if (select(outline, renumbered)) count++
      return count
    },
    async *outlines() {
      for await (const outline of outlinesOf(source)) {
        const selected = select(outline, renumbered)
        if (selected) yield selected
      }
    },
    async *[Symbol.asyncIterator]() {
      let others = 0
      for await (const sample of source) {
        const selected = select(sample, renumbered)
        if (selected) yield selected
        else others++
      }
      ignored.clear()
      for (const [reason, count] of source.ignored ?? []) ignored.set(reason, count)
      if (others > 0) ignored.set('of other classes', others)
    },
  }
}

/** The source's numbers → the wanted ones. */
function renumber({ labelKind, classNames }: Source, classes: readonly string[]): ReadonlyMap<number, number> {
  if (labelKind !== 'class' && labelKind !== 'boxes') throw new PipelineError('PIPE_OPTION', `classes: expected a data set whose labels are classes or boxes, found labels of kind ${labelKind}; leave the option out`)
  if (classes.length === 0) throw new PipelineError('PIPE_OPTION', 'classes: expected one or more, found none')
  const renumbered = new Map<number, number>()
  for (const [wanted, name] of classes.entries()) {
    const number = numberOf(name, classNames)
    if (number === undefined) throw new PipelineError('PIPE_OPTION', `classes: expected ${classNames ? `names of the data set's ${classNames.length} classes (${shorten(classNames)})` : 'numbers, as the data set has no class names'}, found ${JSON.stringify(name)}`)
    if (renumbered.has(number)) throw new PipelineError('PIPE_OPTION', `classes: expected each class once, found ${JSON.stringify(name)} again`)
    renumbered.set(number, wanted)
  }
  return renumbered
}

function numberOf(name: string, classNames: readonly string[] | undefined): number | undefined {
  const named = classNames?.indexOf(name) ?? -1
  const number = named >= 0 ? named : /^\d{1,15}$/.test(name) ? Number(name) : undefined
  return number === undefined || (classNames && number >= classNames.length) ? undefined : number
}

function shorten(names: readonly string[]): string {
  return names.length > 20 ? `${names.slice(0, 20).join(', ')} …` : names.join(', ')
}

function select<T extends Sample | SampleOutline>(sample: T, renumbered: ReadonlyMap<number, number>): T | undefined {
  const { label, error } = sample
  if (error) return sample
  if (label.kind === 'class') {
    const value = renumbered.get(label.value)
    return value === undefined ? undefined : { ...sample, label: { kind: 'class', value } satisfies Label }
  }
  return label.kind === 'boxes' ? selectBoxes(sample, label, renumbered) : sample
}

function selectBoxes<T extends Sample | SampleOutline>(sample: T, label: Label & { kind: 'boxes' }, renumbered: ReadonlyMap<number, number>): T | undefined {
  const places = label.boxes.flatMap((box, place) => (renumbered.has(box.class) ? [place] : []))
  if (places.length === 0) return undefined
  const boxes = places.map((place) => ({ ...label.boxes[place]!, class: renumbered.get(label.boxes[place]!.class)! }))
  const regions = 'regions' in sample ? sample.regions : undefined
  return { ...sample, label: { ...label, boxes }, ...(regions?.length === label.boxes.length && { regions: places.map((place) => regions[place]!) }) }
}
