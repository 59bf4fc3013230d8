// Compiled parts that are damaged or made to do harm: a typed error, or a model whose damage stays in its own
// memory; never another error, and never more memory than the plan says.

import t from 'tap'
import fc from 'fast-check'
import { InferError, loadModel, type Model } from '@millrace/infer'
import { assembler } from '@millrace/infer/kernels'
import { compiledFiles, editPlan, replaceFile, smallGraph, smallInput, type Files, type PlanJson } from './compiled-model.js'

t.setTimeout(120_000)

const files = await compiledFiles()
const planOf = (source: Files): PlanJson => JSON.parse(new TextDecoder().decode(source['compiled/cpu/plan.json'])) as PlanJson
const plan = planOf(files)
const options = { variant: 'simd', maxMemoryBytes: 2 ** 26 } as const

/** 'loaded', or the code of the error. A model that loads must also run or fail in the same manner. */
async function outcome(source: Files): Promise<string> {
  const failure = (error: unknown): string => {
    if (error instanceof InferError) return error.code
    throw error
  }
  const loaded: Model | string = await loadModel(source, options).catch(failure)
  if (typeof loaded === 'string') return loaded
  try {
    const answer = loaded.run(smallInput(1), 1).get('answer')!
    return answer.length === 5 ? 'loaded' : 'an answer of another size'
  } catch (error) {
    return failure(error)
  }
}

t.test('fields of plan.json', async (t) => {
  const change = (path: readonly (string | number)[], value: unknown): Files => editPlan(files, (document) => {
    const parent = path.slice(0, -1).reduce<unknown>((node, key) => (node as Record<string | number, unknown>)[key], document) as Record<string | number, unknown>
    if (value === undefined) delete parent[path.at(-1)!]
    else parent[path.at(-1)!] = value
    return document
  })
  const cases: readonly (readonly [(string | number)[], unknown, string, RegExp])[] = [
    [['format'], 'millrace-graph', 'INFER_COMPILED', /plan\.json: format: expected "millrace-plan", found "millrace-graph"; run "millrace compile"/],
    [['version'], 2, 'INFER_COMPILED', /expected version 1/],
    [['more'], 1, 'INFER_COMPILED', /more: expected no such field/],
    [['batch'], 0, 'INFER_COMPILED', /batch: expected a whole number from 1/],
    [['batch'], 1000, 'INFER_COMPILED', /expected a place for 1000 images/],
    [['arenaBytes'], 2 ** 33, 'INFER_COMPILED', /arenaBytes/],
    [['arenaBytes'], 2 ** 31, 'INFER_MEMORY', /at most 67108864 bytes/],
    [['arenaBytes'], 1001, 'INFER_COMPILED', /a multiple of 4/],
    [['input', 'offsetBytes'], -4, 'INFER_COMPILED', /input\.offsetBytes/],
    [['input', 'offsetBytes'], 2 ** 25, 'INFER_COMPILED', /a place for 3 images in an arena of/],
    [['input', 'layout', 'height'], 25, 'INFER_COMPILED', /expected the values of \[24, 24, 3\], found "25x24x3"/],
    [['input', 'layout', 'rowBytes'], 4, 'INFER_COMPILED', /that do not overlap/],
    [['input', 'layout', 'imageBytes'], 2 ** 31, 'INFER_COMPILED', /a place for 3 images/],
    [['outputs'], [], 'INFER_COMPILED', /expected 1 outputs, found 0/],
    [['outputs', 0, 'name'], 'other', 'INFER_COMPILED', /expected "answer"/],
    [['outputs', 0, 'layout', 'channels'], 2 ** 30, 'INFER_COMPILED', /expected the values of \[5\]/],
    [['steps'], [], 'INFER_COMPILED', /expected to export run and 0 steps/],
    [['steps', 0, 'multiplyAdds'], NaN, 'INFER_COMPILED', /multiplyAdds/],
    [['packed', 'sha256'], '../../etc/passwd', 'INFER_COMPILED', /64 hexadecimal digits/],
    [['packed', 'byteLength'], 4, 'INFER_MODEL_CHANGED', /packed\.bin: expected 4 bytes, found \d+/],
    [['packed', 'byteLength'], 2 ** 30, 'INFER_MEMORY', /./],
    [['modules', 'simd'], undefined, 'INFER_COMPILED', /modules\.simd/],
    [['modules', 'simd', 'sha256'], '0'.repeat(64), 'INFER_MODEL_CHANGED', /model\.wasm: its SHA-256/],
    [['graph', 'sha256'], '0'.repeat(64), 'INFER_MODEL_CHANGED', /another graph\.json/],
  ]
  for (const [path, value, code, message] of cases) await t.rejects(loadModel(change(path, value), options), { name: 'InferError', code, message }, `${path.join('.')} = ${String(value)}`)

  const leaves = leavesOf(plan)
  const nasty = fc.constantFrom<unknown>(undefined, null, true, '', 'x'.repeat(2000), '\u001b[2J', [], {}, -1, 0, 0.5, 1, 3, 4, 16, 1024, 2 ** 16, 2 ** 31, 2 ** 32, 2 ** 53, 1e308, -0)
  const seen = new Map<string, number>()
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom(...leaves), nasty), { minLength: 1, maxLength: 2 }), async (changes) => {
    let damaged = files
    for (const [path, value] of changes) {
      const before = damaged
      damaged = editPlan(before, (document) => withValue(document, path, value))
    }
    const code = await outcome(damaged)
    seen.set(code, (seen.get(code) ?? 0) + 1)
    return ['loaded', 'INFER_COMPILED', 'INFER_MODEL_CHANGED', 'INFER_MEMORY'].includes(code)
  }), { numRuns: 1200 })
  t.ok(seen.get('INFER_COMPILED')! > 600, JSON.stringify([...seen]))
})

t.test('bytes flipped and files cut short: never loaded, since each has its digest', async () => {
  const names = Object.keys(files).filter((name) => name !== 'weights.safetensors' && name !== 'compiled/cpu/model-relaxed.wasm')
  await fc.assert(fc.asyncProperty(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), async (name, place, flip, isCut) => {
    const bytes = Uint8Array.from(files[name]!)
    const at = place % bytes.length
    bytes[at]! ^= flip
    const code = await outcome({ ...files, [name]: isCut ? bytes.subarray(0, at) : bytes })
    // White space of a document may be another.
    return code.startsWith('INFER_') || (code === 'loaded' && name === 'compiled/cpu/plan.json')
  }), { numRuns: 600 })
})

t.test('files that are missing or another\'s', async (t) => {
  const without = (name: string): Files => Object.fromEntries(Object.entries(files).filter(([each]) => each !== name))
  t.equal(await outcome(without('compiled/cpu/packed.bin')), 'INFER_MODEL_READ')
  t.equal(await outcome(without('compiled/cpu/model.wasm')), 'INFER_MODEL_READ')
  t.equal(await outcome(without('compiled/cpu/plan.json')), 'loaded', 'compiled now')
  const other = await compiledFiles({ ...smallGraph, name: 'other' }, 2)
  for (const name of ['plan.json', 'model.wasm'] as const) t.match(await outcome({ ...files, [`compiled/cpu/${name}`]: other[`compiled/cpu/${name}`]! }), /INFER_MODEL_CHANGED/, name)
  t.equal(await outcome({ ...files, 'compiled/cpu/model.wasm': files['compiled/cpu/model-relaxed.wasm']! }), 'INFER_MODEL_CHANGED', 'variants swapped')
})

t.test('modules whose digest fits but which are not a network\'s', async (t) => {
  const { buildModule, f32Add, i32Const, f32Const, localGet, loop, branchIf } = assembler
  const steps = (plan['steps'] as unknown[]).length
  const withCode = (body: readonly number[], count = steps): Uint8Array => buildModule(['run', ...Array.from({ length: count }, (_, step) => `step${step}`)].map((name) => ({ name, parameters: ['i32'], locals: [], body, exported: true })), { constants: ['weights', 'arena'] })
  const real = files['compiled/cpu/model.wasm']!
  /** A section of the module put before another. */
  const withSection = (before: number, section: readonly number[]): Uint8Array => {
    for (let at = 8; at < real.length;) {
      if (real[at] === before) return Uint8Array.from([...real.subarray(0, at), ...section, ...real.subarray(at)])
      let length = 0
      let end = at + 1
      for (let shift = 0; ; shift += 7) {
        length += (real[end]! & 0x7f) << shift
        if (real[end++]! < 0x80) break
      }
      at = end + length
    }
    throw new Error('no such section')
  }
  const cases: readonly (readonly [string, Uint8Array, string, RegExp])[] = [
    ['nothing', new Uint8Array(0), 'INFER_COMPILED', /expected the sections 1, 2, 3, 7, 10, found ;/],
    ['text', new TextEncoder().encode('<html>not found</html>'), 'INFER_COMPILED', /sections/],
    ['a memory of its own', withSection(7, [5, 4, 1, 0x00, 0x80, 0x80]), 'INFER_COMPILED', /found 1, 2, 3, 5/],
    ['a start function', withSection(10, [8, 1, 0]), 'INFER_COMPILED', /found 1, 2, 3, 7, 8/],
    ['a table', withSection(7, [4, 4, 1, 0x70, 0x00, 0x10]), 'INFER_COMPILED', /found 1, 2, 3, 4/],
    ['a custom section', Uint8Array.from([...real, 0, 2, 1, 65]), 'INFER_COMPILED', /found 1, 2, 3, 7, 10, 0/],
    ['fewer steps', withCode([], steps - 1), 'INFER_COMPILED', /expected to export run and \d+ steps, found function run, function step0/],
    ['an import too many', buildModule([], { constants: ['weights', 'arena', 'process'] }), 'INFER_COMPILED', /expected to import memory env\.memory, global env\.weights, global env\.arena, found .*process/],
    ['a shared memory', buildModule(Array.from({ length: steps + 1 }, (_, step) => ({ name: step === 0 ? 'run' : `step${step - 1}`, parameters: ['i32'], locals: [], body: [], exported: true })), { constants: ['weights', 'arena'], sharedPages: 10 }), 'INFER_COMPILED', /the module failed/],
    ['code that does not validate', withCode([...f32Add]), 'INFER_COMPILED', /not a module that this engine runs/],
    ['code that writes outside', withCode([...i32Const(-4), ...f32Const(1), 0x38, 0, 0]), 'INFER_COMPILED', /the module failed/],
    ['code that traps', withCode([0x00]), 'INFER_COMPILED', /the module failed/],
    ['code that calls itself', withCode([...localGet(0), 0x10, 0]), 'INFER_COMPILED', /the module failed/],
    ['code that asks for memory', withCode([...loop(i32Const(1), [0x40, 0x00], i32Const(-1), [0x47], branchIf(0))]), 'loaded', /./],
  ]
  for (const [name, bytes, code, message] of cases) {
    const hostile = replaceFile(files, 'model.wasm', bytes)
    t.equal(await outcome(hostile), code, name)
    if (code !== 'loaded') await t.rejects(loadModel(hostile, options).then((model) => model.run(smallInput(1), 1)), { message }, name)
  }
})

t.test('weights whose digest fits but which are others: a model', async (t) => {
  const packed = Uint8Array.from(files['compiled/cpu/packed.bin']!)
  packed.fill(255) // NaN
  t.equal(await outcome(replaceFile(files, 'packed.bin', packed)), 'loaded')
  t.equal(await outcome(replaceFile(files, 'packed.bin', packed.subarray(0, 65))), 'INFER_COMPILED', 'not whole numbers')
})

type Path = readonly (string | number)[]

function leavesOf(node: unknown, path: Path = []): Path[] {
  if (typeof node !== 'object' || node === null) return [path]
  return [...(path.length > 0 ? [path] : []), ...Object.entries(node).flatMap(([key, value]) => leavesOf(value, [...path, Array.isArray(node) ? Number(key) : key]))]
}

/** A copy with one value replaced, or left out where it is undefined; unchanged where there is no such place. */
function withValue(node: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (typeof node !== 'object' || node === null || !(key in node)) return node
  const copy = (Array.isArray(node) ? [...node as unknown[]] : { ...node }) as Record<string | number, unknown>
  const changed = withValue(copy[key], rest, value)
  if (changed === undefined && !Array.isArray(copy)) delete copy[key]
  else copy[key] = changed
  return copy
}
