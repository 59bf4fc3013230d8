// The last stage before the records: pixels to an encoded image, the label to a record's fields.

import type { NewImageRecord } from '@millrace/recordio'
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
  const { quality = 95 } = options
  checkQuality(quality)
  return createTransform(async (sample) => {
    const label = toRecordLabel(sample.label, sample.key)
    return { id: sample.id, ...label, image: await encodeJpegImage(await readPixels(sample), { quality }) }
  }, options)
}
