// `millrace export`: from a run folder to the model folder that predict and servers load, compiled.

import { Command, InvalidArgumentError } from 'commander'
import type { CommandFactory } from '../program.js'
import { jsonLine } from '../record-output.js'

interface ExportFlags {
  readonly checkpoint: 'best' | 'last' | number
  readonly compile: boolean
  readonly json: boolean
}

export const exportCommand: CommandFactory = () =>
  new Command('export')
    .description('Make a model folder (graph, weights and their compiled form) from a training run.')
    .argument('<run>', 'the run folder')
    .argument('<model>', 'the model folder to write; a former model there is replaced')
    .option('--checkpoint <which>', '"best" (by validation accuracy), "last", or an epoch that still has a checkpoint', parseCheckpoint, 'best')
    .option('--no-compile', 'write graph and weights alone; "millrace compile" adds the rest')
    .option('--json', 'print the outcome as one JSON document', false)
    .action(async (run: string, model: string, { checkpoint, compile, json }: ExportFlags) => {
      const { exportRun } = await import('@millrace/train')
      const { epoch, step, metrics } = await exportRun(run, model, { checkpoint })
      const compiled = compile ? await compileExported(model) : null
      const accuracy = metrics ? `, validation accuracy ${(100 * metrics.accuracy).toFixed(1)} %` : ''
      process.stdout.write(json ? jsonLine({ model, epoch, step, validation: metrics ?? null, compiled }) : `${model}: weights of epoch ${epoch}${accuracy}${compiled === null ? '' : `, compiled for batches of up to ${compiled.batch}`}\n`)
    })

/** A network with a node that has no kernel yet is no less exported: it runs, slowly. */
async function compileExported(model: string): Promise<{ readonly batch: number; readonly files: Readonly<Record<string, number>> } | null> {
  const { saveCompiled } = await import('@millrace/infer/compiler')
  const { InferError } = await import('@millrace/infer')
  try {
    const { plan, files } = await saveCompiled(model)
    return { batch: plan.batch, files }
  } catch (error) {
    if (!(error instanceof InferError && error.code === 'INFER_COMPILE')) throw error
    process.stderr.write(`not compiled: ${error.message}\n`)
    return null
  }
}

function parseCheckpoint(text: string): 'best' | 'last' | number {
  if (text === 'best' || text === 'last') return text
  if (/^\d+$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected "best", "last" or the number of an epoch.')
}
