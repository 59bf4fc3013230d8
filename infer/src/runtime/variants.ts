// Which variant of a network is the faster one here. An engine says whether it has relaxed SIMD; whether that
// pays depends on the processor and on the engine's compiler (Node 20's loses by it), so a step or two of the
// network are timed both ways.

import { stepName, type NetworkPlan, type VariantName } from './plan.js'
import type { NetworkFunctions } from './session.js'

/** Which variants may be used: the faster, or one by name. */
export type VariantChoice = 'auto' | VariantName

/** A step timed has about so many multiplications: a fraction of a millisecond. */
const probeMultiplyAdds = 2e6
const mostProbes = 2
/** How long one timing takes: much longer than a browser's clock ticks. */
const roundMs = 0.5
/** Some platforms stop the clock while a program computes. */
const mostCalls = 200
/** Rounds of each variant, whose fastest counts. An engine replaces its quick first code during them. */
const rounds = 6

/** What was measured; the same processor and engine serve every network of the process. */
let measured: VariantName | undefined

/** The variants to look at, best guess last. */
export function wantedVariants(choice: VariantChoice): readonly VariantName[] {
  if (choice !== 'auto') return [choice]
  if (!hasRelaxedSimd()) return ['simd']
  return measured === undefined ? ['simd', 'relaxed'] : [measured]
}

/** Whether this engine knows f32x4.relaxed_madd, as it says itself about a module of one function that uses it. */
function hasRelaxedSimd(): boolean {
  const zeros = [0x41, 0x00, 0xfd, 0x0f] // i8x16.splat of i32.const 0
  const body = [0x00, ...zeros, ...zeros, ...zeros, 0xfd, 0x85, 0x02, 0x1a, 0x0b] // no locals; relaxed_madd, drop, end
  return WebAssembly.validate(Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
    0x01, 0x04, 0x01, 0x60, 0x00, 0x00, // one type: () → ()
    0x03, 0x02, 0x01, 0x00, // one function of it
    0x0a, body.length + 2, 0x01, body.length, ...body,
  ]))
}

/** Of the candidates, all of one network in one memory, the faster. */
export function fasterVariant(candidates: ReadonlyMap<VariantName, NetworkFunctions>, plan: NetworkPlan): VariantName {
  const names = [...candidates.keys()]
  const probes = names.length < 2 ? [] : chooseProbes(plan)
  if (probes.length === 0) return names.at(-1)!
  const fastest = new Map(names.map((name) => [name, probes.map(() => Infinity)]))
  for (let round = 0; round < rounds; round++) {
    for (const [index, { step }] of probes.entries()) {
      for (const [name, functions] of candidates) fastest.get(name)![index] = Math.min(fastest.get(name)![index]!, timeCall(functions[stepName(step)]!))
    }
  }
  const total = (name: VariantName): number => probes.reduce((sum, { weight }, index) => sum + weight * fastest.get(name)![index]!, 0)
  measured = names.reduce((best, name) => (total(name) <= total(best) ? name : best))
  return measured
}

/** A step that is timed, and how many times its work the steps like it have. */
interface Probe {
  readonly step: number
  readonly weight: number
}

/** A step of each of the kinds that do most of the work; none where all of the network is small. */
function chooseProbes({ steps }: NetworkPlan): Probe[] {
  const kinds = new Map<string, { work: number; step: number }>()
  const distance = (step: number): number => Math.abs(Math.log(steps[step]!.multiplyAdds / probeMultiplyAdds))
  for (const [step, { kernel, tiles, multiplyAdds }] of steps.entries()) {
    if (tiles === undefined || multiplyAdds < probeMultiplyAdds / 40) continue
    const key = `${kernel} ${tiles.relaxed}`
    const kind = kinds.get(key)
    kinds.set(key, { work: (kind?.work ?? 0) + multiplyAdds, step: kind === undefined || distance(step) < distance(kind.step) ? step : kind.step })
  }
  const largest = [...kinds.values()].sort((a, b) => b.work - a.work).slice(0, mostProbes)
  return largest.map(({ work, step }) => ({ step, weight: work / steps[step]!.multiplyAdds }))
}

/** Milliseconds of one call for one image, the mean of as many as fill a round. */
function timeCall(call: (batch: number) => void): number {
  const begin = performance.now()
  let calls = 0
  let elapsed = 0
  while (elapsed < roundMs && calls < mostCalls) {
    call(1)
    calls++
    elapsed = performance.now() - begin
  }
  return elapsed / calls
}
