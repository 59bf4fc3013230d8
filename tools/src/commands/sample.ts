// `millrace sample svhn DIR`: a data set to try everything on, drawn in seconds, no download needed.

import { Command } from 'commander'
import { parseCount, parseWhole } from '../number-options.js'
import type { CommandFactory } from '../program.js'
import { jsonLine } from '../record-output.js'
import type { SvhnSampleSummary } from '../samples/svhn-sample.js'

interface SampleFlags {
  readonly train: number
  readonly validation: number
  readonly test: number
  readonly seed: number
  readonly json: boolean
}

export const sampleCommand: CommandFactory = (signal) =>
  new Command('sample').description('Draw a sample data set.').addCommand(
    new Command('svhn')
      .description("Draw photos of house numbers in SVHN's layout: DIR/{train,validation,test}/{1.png …, digitStruct.mat}.")
      .argument('<dir>', 'a new or empty folder, or a former sample, which is replaced')
      .option('--train <count>', 'photos to train on', parseCount, 8000)
      .option('--validation <count>', 'photos to choose settings by', parseCount, 1000)
      .option('--test <count>', 'photos to measure with; a quarter in typefaces that the others do not have', parseCount, 1000)
      .option('--seed <number>', 'the same seed draws the same photos', parseWhole, 1)
      .option('--json', 'print the summary as one JSON document', false)
      .action(async (folder: string, flags: SampleFlags) => {
        const { sampleSvhn } = await import('../samples/svhn-sample.js')
        const { createProgress } = await import('../progress.js')
        const start = performance.now()
        const progress = createProgress('sample', { total: flags.train + flags.validation + flags.test, unit: 'photos' })
        const onProgress = ({ split, done }: { split: string; done: number }): void => progress.update(done, split)
        const summary = await sampleSvhn({ folder, ...flags, signal, onProgress }).finally(() => progress.done())
        const seconds = (performance.now() - start) / 1000
        process.stdout.write(flags.json ? jsonLine({ ...summary, seconds }) : inWords(summary, seconds))
      }),
  )

function inWords(summary: SvhnSampleSummary, seconds: number): string {
  const lines = Object.entries(summary.splits).map(([split, { photos, lengths, withClutter, unseenTypefaces, bytes }]) => {
    const unseen = unseenTypefaces > 0 ? `, ${unseenTypefaces} in typefaces of this split only` : ''
    return `${split}: ${photos} photos (of 1 to 5 digits: ${lengths.join(', ')}), ${withClutter} with other digits beside the number${unseen}, ${(bytes / 1e6).toFixed(1)} MB`
  })
  return `${lines.join('\n')}\nwritten to ${summary.folder} in ${seconds.toFixed(1)} s\n`
}
