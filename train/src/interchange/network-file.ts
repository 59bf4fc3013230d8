// What every reader of a network file gives, what it may be told, and its errors.

import { parseGraph, type Graph, type PreprocessStep, type Task, type Weights } from '@millrace/infer'
import { TrainError, type TrainErrorCode } from '../errors.js'
import type { GraphBuilder } from './graph-builder.js'

/** A network as `@millrace/infer` runs and stores it. */
export interface ImportedNetwork {
  readonly graph: Graph
  readonly weights: Weights
}

export interface ImportOptions {
  /** The graph's name. Default: what the file calls it, if we wrote it; else the file's name. */
  readonly name?: string
  /** What errors call the file. Default: its path, or its format. */
  readonly file?: string
  /** Names of the classes in the order of the output's values. Default: `class 0`, `class 1`, … */
  readonly classNames?: readonly string[]
  /**
   * Whether a softmax is put after an output of one value a class that has none: without one the network
   * gives tensors, not classes. Default: true, unless the output comes from a sigmoid.
   */
  readonly softmax?: boolean
  /** [height, width] of the input where the file leaves them open. */
  readonly inputSize?: readonly [height: number, width: number]
  /** From an RGB image to the input. Default: what the file says, else nothing: images of the input's size, values 0 … 255. */
  readonly preprocessing?: readonly PreprocessStep[]
}

/** What a reader has found, before the task is chosen. */
export interface FoundNetwork {
  readonly name: string
  readonly builder: GraphBuilder
  /** Nodes whose values are the outputs; a vector's value has one axis. */
  readonly outputs: readonly string[]
  /** The task and preprocessing that a file of our own carries. */
  readonly task?: Task
  readonly preprocessing?: readonly PreprocessStep[]
}

/** Throws away what no output needs, chooses the task, and checks the whole. */
export function finishNetwork(found: FoundNetwork, options: ImportOptions, fail: Fail): ImportedNetwork {
  const { builder } = found
  const { task, outputs } = found.task === undefined ? chooseTask(found, options, fail) : { task: withClassNames(found.task, options), outputs: found.outputs }
  const { nodes, weights } = builder.finish(outputs)
  const finalName = (node: string): string => builder.finalName(node)
  const graph: Graph = {
    format: 'millrace-graph',
    version: 1,
    name: safeName(options.name ?? found.name) || 'imported',
    input: builder.input,
    nodes,
    outputs: outputs.map(finalName),
    preprocessing: options.preprocessing ?? found.preprocessing ?? [],
    task: found.task === undefined && task.kind === 'class' ? { ...task, output: finalName(task.output) } : task,
  }
  return { graph: parseGraph(JSON.parse(JSON.stringify(graph)), 'the network'), weights }
}

function withClassNames(task: Task, { classNames }: ImportOptions): Task {
  return task.kind === 'class' && classNames !== undefined ? { ...task, classNames } : task
}

/** One vector means classes; anything else is left as tensors. */
function chooseTask({ builder, outputs }: FoundNetwork, options: ImportOptions, fail: Fail): { task: Task; outputs: readonly string[] } {
  const { classNames } = options
  const [output] = outputs as [string]
  const shape = builder.shape(output)
  const op = builder.node(output)?.op
  const softmax = options.softmax ?? op !== 'sigmoid'
  if (outputs.length > 1 || shape.length !== 1 || (op !== 'softmax' && !softmax)) {
    if (classNames !== undefined) fail('TRAIN_NETWORK_UNSUPPORTED', `expected one output of a probability for each of ${classNames.length} classes, found ${outputs.map((name) => `${name} [${builder.shape(name).join(', ')}]${builder.node(name)?.op === 'softmax' ? '' : ' without a softmax'}`).join(', ')}`)
    return { task: { kind: 'tensors' }, outputs }
  }
  const classes = shape[0]!
  if (classNames !== undefined && classNames.length !== classes) fail('TRAIN_NETWORK_UNSUPPORTED', `expected the names of ${classes} classes, found ${classNames.length}`)
  const answer = op === 'softmax' ? output : builder.emit({ op: 'softmax', name: 'probabilities', input: output })
  return { task: { kind: 'class', output: answer, classNames: classNames ?? Array.from({ length: classes }, (_, index) => `class ${index}`) }, outputs: [answer] }
}

/** A name that a graph may have: letters, digits and _ . : / - */
export function safeName(name: string): string {
  return name.replace(/[^\w.:/-]+/g, '_').replace(/^[/_]+/, '').slice(0, 150)
}

/** Ends the import: the message says what is wrong, the file's name is put before it. */
export type Fail = (code: Extract<TrainErrorCode, 'TRAIN_NETWORK_FILE' | 'TRAIN_NETWORK_UNSUPPORTED'>, problem: string, cause?: unknown) => never

export function failIn(file: string): Fail {
  return (code, problem, cause) => {
    throw new TrainError(code, `${file}: ${problem}`, { path: file, ...(cause !== undefined && { cause }) })
  }
}

/** Text from a file that nobody vouches for, fit to be printed. */
export function shown(text: unknown): string {
  return JSON.stringify(String(text).slice(0, 100)).replace(/\p{Cc}/gu, '?')
}
