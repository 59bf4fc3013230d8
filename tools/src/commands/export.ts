// `millrace export`: from a run folder to the model folder that predict and servers load.

import { Command, InvalidArgumentError } from 'commander'
import type { CommandFactory } from '../program.js'
import { jsonLine } from '../record-output.js'

interface ExportFlags {
  readonly checkpoint: 'best' | 'last' | number
  readonly json: boolean
}

export const exportCommand: CommandFactory = () =>
  new Command('export')
    .description('Make a model folder (graph and weights) from a training run.')
    .argument('<run>', 'the run folder')
    .argument('<model>', 'the model folder to write; a former model there is replaced')
    .option('--checkpoint <which>', '"best" (by validation accuracy), "last", or an epoch that still has a checkpoint', parseCheckpoint, 'best')
    .option('--json', 'print the outcome as one JSON document', false)
    .action(async (run: string, model: string, { checkpoint, json }: ExportFlags) => {
      const { exportRun } = await import('@millrace/train')
      const { epoch, step, metrics } = await exportRun(run, model, { checkpoint })
      const accuracy = metrics ? `, validation accuracy ${(100 * metrics.accuracy).toFixed(1)} %` : ''
      process.stdout.write(json ? jsonLine({ model, epoch, step, validation: metrics ?? null }) : `${model}: weights of epoch ${epoch}${accuracy}\n`)
    })

function parseCheckpoint(text: string): 'best' | 'last' | number {
  if (text === 'best' || text === 'last') return text
  if (/^\d+$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected "best", "last" or the number of an epoch.')
}
