// Transforms: plain functions from one item to another, made into stages that stream. A stage works
// on several items at a time and gives the results in the order of the items, so the number at work
// never shows in the output. It takes no more items than it works on: that is the back-pressure.

import { availableParallelism } from 'node:os'
import { PipelineError } from './errors.js'

/**
 * A stage of a stream: `stream.pipeline(source, stage, …)`, or `for await (const x of stage(source))`.
 * `one` is the same work on a single item.
 */
export interface Transform<In, Out> {
  (items: AsyncIterable<In> | Iterable<In>): AsyncGenerator<Out, void, undefined>
  readonly one: (item: In) => Promise<Out>
}

export interface ConcurrencyOptions {
  /** Items in work at a time. Default: the number of cores. */
  readonly concurrency?: number
}

/**
 * A stage of your own from a function on one item. To have `packDataset` list an item as rejected
 * and go on, throw a PipelineError; anything else stops the packing.
 * @throws PipelineError PIPE_OPTION for a concurrency below 1
 */
export function createTransform<In, Out>(one: (item: In) => Promise<Out>, options: ConcurrencyOptions = {}): Transform<In, Out> {
  return Object.assign(mapOrdered(one, options), { one })
}

/**
 * Applies a function to every item, up to `concurrency` at a time, results in the order of the items.
 * The first failure, of an item or of the source, ends the stream, after the items before it have come out. A
 * concurrency that is a function is asked after each item.
 * @throws PipelineError PIPE_OPTION for a concurrency below 1
 */
export function mapOrdered<In, Out>(
  one: (item: In) => Promise<Out>,
  options: { readonly concurrency?: number | (() => number) } = {},
): (items: AsyncIterable<In> | Iterable<In>) => AsyncGenerator<Out, void, undefined> {
  const { concurrency = availableParallelism() } = options
  if (typeof concurrency === 'number' && !(Number.isInteger(concurrency) && concurrency >= 1)) {
    throw new PipelineError('PIPE_OPTION', `concurrency: expected a whole number from 1, found ${concurrency}`)
  }
  const mostInWork = typeof concurrency === 'number' ? () => concurrency : concurrency
  return async function* (items) {
    const inWork: Promise<Out>[] = []
    let sourceFailure: { readonly error: unknown } | undefined
    let isAtSource = true
    try {
      try {
        for await (const item of items) {
          isAtSource = false
          const result = one(item)
          result.catch(() => {}) // it is reported when its turn comes
          inWork.push(result)
          while (inWork.length >= mostInWork()) yield await inWork.shift()!
          isAtSource = true
        }
      } catch (error) {
        if (!isAtSource) throw error
        sourceFailure = { error } // what it gave before comes out first
      }
      while (inWork.length > 0) yield await inWork.shift()!
      if (sourceFailure) throw sourceFailure.error
    } finally {
      await Promise.allSettled(inWork) // nothing goes on behind the caller's back
    }
  }
}
