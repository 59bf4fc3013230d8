// What tests of sources look at: every sample with its image, or the code it rejects with.

import { PipelineError, type Sample } from '@millrace/pipeline'

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

/** The image as text, or the code of the error. */
export async function outcome({ image }: Pick<Sample, 'image'>): Promise<string> {
  try {
    return Buffer.from((await image()) as Uint8Array).toString('latin1')
  } catch (error) {
    if (error instanceof PipelineError) return error.code
    throw error
  }
}

/** The message that the sample rejects with. */
export async function reason({ image }: Pick<Sample, 'image'>): Promise<string> {
  return image().then(() => 'read', (error: Error) => error.message)
}

/** [id, key, class or values, outcome] of each sample. */
export async function describe(source: AsyncIterable<Sample>): Promise<(string | number | readonly number[])[][]> {
  const rows = []
  for (const sample of await collect(source)) {
    const { id, key, label } = sample
    rows.push([Number(id), key, label.kind === 'class' ? label.value : label.kind === 'values' ? label.values : label.kind, await outcome(sample)])
  }
  return rows
}
