// What a packing command says at its end.

import type { PackPreview, PackReport, RejectedSample } from '@millrace/pipeline'

/** So many rejected images are shown; the file lists all. */
export const maxShownRejects = 20

/** A line for one rejected image. */
export function describeReject({ key, code, reason, placeholder }: RejectedSample): string {
  return `${key}: ${code}: ${reason}${placeholder ? ' (a grey image stands in for it)' : ''}`
}

/** The report in words, a line each. `target` names where the records went. */
export function describeReport(report: PackReport, rejects: readonly RejectedSample[], target: string): string[] {
  const { packed, rejected, adjusted, placeholders, roundedLabels, resumedAfter, alreadyComplete, seconds, imagesPerSecond, rejectsPath } = report
  const rate = imagesPerSecond.toLocaleString('en', { maximumSignificantDigits: 3 })
  const lines = alreadyComplete
    ? [`already complete: ${packed} of ${packed + rejected} images are in ${target}, as the source and the options are now; nothing was written`]
    : [`packed ${packed} of ${packed + rejected} images into ${target} in ${seconds.toFixed(1)} s (${rate} images/s)`]
  if (resumedAfter !== undefined && !alreadyComplete) lines.push(`went on after the ${resumedAfter} that an earlier run had done`)
  if (adjusted > 0) lines.push(`${adjusted} of them with boxes that reached past the image and were clamped, or that were dropped`)
  if (placeholders > 0) lines.push(`${placeholders} of them as a grey image`)
  if (roundedLabels > 0) lines.push(`warning: ${roundedLabels} integer labels are above 2^24 and were rounded, as records hold float32; the .meta keeps the exact ones`)
  const listed = rejected + placeholders
  if (listed > 0) lines.push(`${rejected > 0 ? `${rejected} rejected` : 'replaced'}${rejects.length > 0 ? ':' : ''}`, ...rejects.map((each) => `  ${describeReject(each)}`))
  if (rejectsPath !== undefined && listed > rejects.length) lines.push(`  … and ${listed - rejects.length} more in ${rejectsPath}`)
  return lines
}

/** What a dry run found, in words. */
export function describePreview({ samples, files, first, estimatedBytes }: PackPreview): string[] {
  const unusable = first.filter(({ code }) => code !== undefined).length
  return [
    `would pack ${unusable > 0 ? 'up to ' : ''}${samples} images${files.length > 0 ? ` into ${files.length > 3 ? `${files.length} files, ${files[0]} to ${files.at(-1)}` : files.join(', ')}` : ''}${estimatedBytes > 0 ? `, about ${Math.ceil(estimatedBytes / 1e6)} MB` : ''}${unusable > 0 ? `; of the first ${first.length}, ${unusable} cannot be packed` : ''}`,
    ...first.map(({ key, id, width, height, bytes, label, code, reason }) =>
      code === undefined ? `  ${key}: id ${id}, ${width !== undefined ? `${width}x${height}, ` : ''}${bytes} bytes, label ${JSON.stringify(label)}` : `  ${key}: ${code}: ${reason}`),
  ]
}

/** Writes channel means (R, G, B; 0 to 255) as `{"R": …, "G": …, "B": …}`. @throws PipelineError PIPE_OUTPUT */
export async function writeMeans(path: string, means: readonly number[]): Promise<void> {
  const { writeWholeFile } = await import('@millrace/pipeline')
  const [R, G, B] = means
  await writeWholeFile(path, [`${JSON.stringify({ R, G, B })}\n`])
}
