// What packing would do, without writing anything: how many samples into which files, and what becomes of
// the first few.

import { PipelineError } from '../errors.js'
import type { Label } from '../label.js'
import { createPlan } from '../render/image-plan.js'
import { renderImage } from '../render/render-image.js'
import type { Sample } from '../sample.js'
import { layOutOptions, type PackOptions } from './pack-dataset.js'

export interface PackPreview {
  /** Samples of the source, in this part, within the limit. */
  readonly samples: number
  /** The files it would write; of shards by bytes, which are not known beforehand, none. */
  readonly files: readonly string[]
  readonly first: readonly PreviewedSample[]
  /** From the first samples; 0 where none of them packs. */
  readonly estimatedBytes: number
}

export interface PreviewedSample {
  readonly id: bigint
  readonly key: string
  readonly label: Label
  /** Of the packed image; absent where it would be rejected. */
  readonly bytes?: number
  readonly width?: number
  readonly height?: number
  /** Why it would be rejected. */
  readonly code?: string
  readonly reason?: string
}

const previewed = 5

/** @throws PipelineError as `packDataset`, but for what writing throws */
export async function previewPack(options: PackOptions): Promise<PackPreview> {
  const layout = await layOutOptions(options)
  const total = Math.min((await options.source.count?.()) ?? Infinity, options.limit ?? Infinity, layout.to)
  const samples = Math.max(0, total - layout.from)
  const first: PreviewedSample[] = []
  let position = 0
  if (samples > 0) {
    for await (const sample of options.source) {
      if (position++ < layout.from) continue
      first.push(await preview(sample, options))
      if (first.length >= Math.min(previewed, samples)) break
    }
  }
  const { firstShard, lastShard = firstShard, shardCount = 1 } = layout
  const files = typeof options.output === 'string' ? Array.from({ length: lastShard - firstShard }, (_, index) => layout.finalPath(firstShard + index, shardCount)) : []
  const sizes = first.flatMap(({ bytes }) => bytes ?? [])
  const estimatedBytes = sizes.length > 0 ? Math.round((sizes.reduce((sum, bytes) => sum + bytes, 0) / first.length) * samples) : 0
  return { samples, files, first, estimatedBytes }
}

async function preview(original: Sample, { transforms = [], plan }: PackOptions): Promise<PreviewedSample> {
  const { id, key, label } = original
  try {
    let sample = original
    for (const transform of transforms) sample = await transform.one(sample)
    const { regions } = sample
    const { image, size } = await renderImage({ image: await sample.image(), key, id, ...(regions && { regions }) }, createPlan(plan))
    return { id, key, label, bytes: image.length, ...size }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { id, key, label, code: error.code, reason: error.message }
  }
}
