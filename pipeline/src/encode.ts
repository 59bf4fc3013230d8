// The last stage before the records: pixels to an encoded image, the label to a record's fields.

import type { NewImageRecord } from '@millrace/recordio'
import { PipelineError } from './errors.js'
import { checkQuality, encodeJpeg as encodeJpegImage, type JpegOptions } from './images/encode.js'
import { toRecordLabel } from './label.js'
import { readPixels, type Sample } from './sample.js'
import { createTransform, type ConcurrencyOptions, type Transform } from './transform.js'

export interface EncodeJpegOptions extends JpegOptions, ConcurrencyOptions {}

/**
 * A stage that encodes each sample as JPEG (quality 95, 4:2:0) and gives records for `recordWriter`.
 * @throws PipelineError PIPE_OPTION for a quality outside 1-100
 */
export function encodeJpeg(options: EncodeJpegOptions = {}): Transform<Sample, NewImageRecord> {
  const { concurrency: _, ...jpeg } = options
  checkQuality(jpeg.quality ?? 95)
  return createTransform(async (sample) => {
    const { label, labels, rounded } = toRecordLabel(sample.label, sample.key)
    if (rounded) throw new PipelineError('PIPE_LABEL', `${sample.key}: expected integers that float32 holds exactly, found ${rounded[0]!.value}; packDataset rounds them and keeps them in the .meta`, { path: sample.key })
    return { id: sample.id, label, labels, image: await encodeJpegImage(await readPixels(sample), jpeg) }
  }, options)
}
