// `millrace export`: a network from wherever it lies to the model folder that predict and servers load, compiled; or
// to ONNX.

import { readFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import type { PreprocessStep } from '@millrace/infer'
import { CliError } from '../errors.js'
import type { CommandFactory } from '../program.js'
import { jsonLine } from '../record-output.js'

interface ExportFlags {
  readonly checkpoint: 'best' | 'last' | number
  readonly compile: boolean
  readonly classes?: string
  readonly softmax: boolean
  readonly inputSize?: readonly [number, number]
  readonly preprocessing?: string
  readonly name?: string
  readonly json: boolean
}

export const exportCommand: CommandFactory = () =>
  new Command('export')
    .description('Make a model folder (graph, weights and their compiled form) or an ONNX file from a training run or another tool\'s network.')
    .argument('<source>', 'a run folder, a model folder, an .onnx file, or a TensorFlow.js model.json')
    .argument('<out>', 'the model folder to write, where a former model is replaced; or a file that ends in .onnx')
    .option('--checkpoint <which>', 'of a run: "best" (by validation accuracy), "last", or an epoch that still has a checkpoint', parseCheckpoint, 'best')
    .option('--classes <file>', "of another tool's network: the names of its classes, one a line (default: class 0, class 1, …)")
    .option('--no-softmax', "leave another tool's network without a softmax as it is: it then gives tensors, not classes (default: one is put behind it)")
    .option('--input-size <HEIGHTxWIDTH>', 'of a network that takes images of any size: the size to fix (default: what the file says)', parseSize)
    .option('--preprocessing <file>', 'a JSON list of steps from an RGB image to the input, as in graph.json (default: none: images of its size, values 0 … 255)')
    .option('--name <name>', "another tool's network: what to call it (default: its file's name)")
    .option('--no-compile', 'of a model folder, write graph and weights alone; "millrace compile" adds the rest')
    .option('--json', 'print the outcome as one JSON document', false)
    .action(exportNetwork)

async function exportNetwork(source: string, out: string, flags: ExportFlags): Promise<void> {
  const { checkpoint, json, name, inputSize } = flags
  const { readNetwork } = await import('../network-source.js')
  const { graph, weights, provenance, state } = await readNetwork(source, {
    checkpoint,
    ...(name !== undefined && { name }),
    ...(inputSize && { inputSize }),
    ...(!flags.softmax && { softmax: false }),
    ...(flags.classes !== undefined && { classNames: await (await import('@millrace/pipeline')).readClassNames(flags.classes) }),
    ...(flags.preprocessing !== undefined && { preprocessing: await readSteps(flags.preprocessing) }),
  })
  const isOnnx = /\.onnx$/i.test(out)
  if (isOnnx) await (await import('@millrace/train/interchange')).writeOnnx(out, graph, weights)
  else await (await import('@millrace/infer')).saveModel(out, graph, weights, provenance)
  const compiled = flags.compile && !isOnnx ? await compileExported(out) : null
  const outcome = state ? { epoch: state.epoch, step: state.step, validation: state.metrics ?? null } : { network: graph.name, nodes: graph.nodes.length, task: graph.task.kind }
  const accuracy = state?.metrics ? `, validation accuracy ${(100 * state.metrics.accuracy).toFixed(1)} %` : ''
  const words = state ? `weights of epoch ${state.epoch}${accuracy}` : `${graph.name}, ${graph.nodes.length} nodes, gives ${{ class: 'classes', digits: 'digits', tensors: 'tensors' }[graph.task.kind]}`
  process.stdout.write(json ? jsonLine({ model: out, ...outcome, compiled }) : `${out}: ${words}${compiled === null ? '' : `, compiled for batches of up to ${compiled.batch}`}\n`)
}

/** The steps are looked at with the graph that they go into. */
async function readSteps(path: string): Promise<readonly PreprocessStep[]> {
  try {
    const steps: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (!Array.isArray(steps)) throw new Error('expected a list')
    return steps as PreprocessStep[]
  } catch (error) {
    throw new CliError('CLI_USAGE', `--preprocessing ${path}: ${(error as Error).message}`)
  }
}

function parseSize(text: string): readonly [number, number] {
  const [, height, width] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? []
  if (height === undefined || width === undefined) throw new InvalidArgumentError('Expected HEIGHTxWIDTH in pixels, such as 224x224.')
  return [Number(height), Number(width)]
}

async function compileExported(model: string): Promise<{ readonly batch: number; readonly files: Readonly<Record<string, number>> }> {
  const { saveCompiled } = await import('@millrace/infer/compiler')
  const { plan, files } = await saveCompiled(model)
  return { batch: plan.batch, files }
}

function parseCheckpoint(text: string): 'best' | 'last' | number {
  if (text === 'best' || text === 'last') return text
  if (/^\d+$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected "best", "last" or the number of an epoch.')
}
