// A source's outlines: its own, or its samples, where only they tell.

import type { SampleOutline, Source } from '../sample.js'

/** What is known of each sample before its image is read. */
export function outlinesOf(source: Source): AsyncIterable<SampleOutline> {
  return source.outlines?.() ?? source
}
