// What `millrace compile` says: the sizes of what it wrote, and the plan as a table, a line a step.

import type { CompiledSummary, PlannedStep, Session } from '@millrace/infer/compiler'

/** How long a step takes for one image, and its share of the whole. */
export interface StepTime {
  readonly milliseconds: number
  readonly share: number
}

export interface Profile {
  readonly variant: 'simd' | 'relaxed'
  /** Of the whole network, one image. */
  readonly milliseconds: number
  readonly steps: readonly StepTime[]
}

/** Long enough for the engine to replace its first code, and for every step to meet a quiet moment. */
const warmUpMs = 300
const measureMs = 1500
const mostRounds = 101

/** The shortest time of each step, one image at a time: what others do on the machine only adds to it. */
export function profileSession(session: Session): Profile {
  const values = session.plan.input.shape.reduce((product, size) => product * size, 1)
  const input = Float32Array.from({ length: values }, (_, index) => (index % 17) / 17)
  const rounds: number[][] = []
  for (const begin = performance.now(); performance.now() - begin < warmUpMs;) session.timeSteps(input, 1)
  for (const begin = performance.now(); rounds.length < mostRounds && (rounds.length === 0 || performance.now() - begin < measureMs);) rounds.push(session.timeSteps(input, 1))
  const { variant, plan } = session
  session.dispose()
  const shortest = plan.steps.map((_, step) => Math.min(...rounds.map((round) => round[step]!)))
  const whole = shortest.reduce((sum, time) => sum + time, 0)
  return { variant, milliseconds: whole, steps: shortest.map((milliseconds) => ({ milliseconds, share: whole === 0 ? 0 : milliseconds / whole })) }
}

export function summaryLines({ folder, files, plan, memoryBytes }: CompiledSummary): string[] {
  const flops = 2 * plan.steps.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0)
  return [
    `${folder}: ${plan.steps.length} steps, ${scaled(flops, 'FLOP')} an image, batches of up to ${plan.batch}`,
    `memory    ${scaled(memoryBytes, 'B')}: weights ${scaled(plan.weightBytes, 'B')}, arena ${scaled(plan.arenaBytes, 'B')}`,
    `files     ${Object.entries(files).map(([name, bytes]) => `${name} ${scaled(bytes, 'B')}`).join(', ')}`,
  ]
}

/** The plan as lines: what makes each value, in which tiles, its work, the bytes it moves; for one image. */
export function explainPlan({ steps }: { readonly steps: readonly PlannedStep[] }, profile?: Profile): string[] {
  const tile = ({ tiles }: PlannedStep): string => (tiles === undefined ? '' : profile === undefined ? [...new Set([tiles.simd, tiles.relaxed])].join(' or ') : tiles[profile.variant])
  const rows = steps.map((step, index) => [
    step.node, step.kernel, tile(step), megaflops(step), kilobytes(step.weightBytes), kilobytes(step.valueBytes),
    ...(profile === undefined ? [] : timeCells(step, profile.steps[index]!)),
  ])
  const head = ['layer', 'kernel', 'tile', 'MFLOP', 'weights KB', 'values KB', ...(profile === undefined ? [] : ['ms', 'share', 'GFLOP/s'])]
  const end = profile === undefined ? [] : [`${profile.milliseconds.toFixed(2)} ms an image, variant ${profile.variant}`]
  return [...alignColumns([head, ...rows], 3), ...end]
}

function megaflops({ multiplyAdds }: PlannedStep): string {
  const value = 2e-6 * multiplyAdds
  return value === 0 ? '' : value < 0.1 ? value.toPrecision(2) : value.toFixed(2)
}

function timeCells({ multiplyAdds }: PlannedStep, { milliseconds, share }: StepTime): string[] {
  const speed = multiplyAdds === 0 || milliseconds === 0 ? '' : ((2e-6 * multiplyAdds) / milliseconds).toFixed(1)
  return [milliseconds.toFixed(3), `${(100 * share).toFixed(1)} %`, speed]
}

/** Pads the cells; so many first columns are words and stand to the left. */
function alignColumns(rows: readonly (readonly string[])[], words: number): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) => row.map((cell, column) => (column < words ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ').trimEnd())
}

function kilobytes(bytes: number): string {
  return bytes === 0 ? '' : (bytes / 1000).toFixed(1)
}

/** 1234567, 'B' → "1.23 MB" */
function scaled(value: number, unit: string): string {
  const power = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)))
  return `${(value / 1000 ** power).toLocaleString('en', { maximumSignificantDigits: 3 })} ${['', 'k', 'M', 'G'][power]!}${unit}`
}
