// A pool answers as a single model does, from several threads that read the same weights, and what goes wrong in
// one request stays there.

import t from 'tap'
import { setTimeout as wait } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { createModel, createPool, loadModel, type InferError, type Model, type Pool, type RawImage } from '@millrace/infer'
import { assembler } from '@millrace/infer/kernels'
import { classGraph, digitsGraph, randomNumbers, randomWeights } from '../networks.js'
import { compiledFiles, replaceFile, smallGraph, smallInput, smallWeights, type Files } from './compiled-model.js'

t.setTimeout(120_000)

const files = await compiledFiles()
const parts = { graph: smallGraph, weights: smallWeights }
const model = await loadModel(files, { variant: 'simd' })
const options = { variant: 'simd', threads: 1 } as const
const answerOf = (from: Map<string, Float32Array>): number[] => [...from.get('answer')!]
/** An input of its own for each seed. */
const inputOf = (seed: number, count = 1): Float32Array => smallInput(count).map((value, index) => value + Math.sin(seed + index * 0.001))
const photo = (width: number, height: number, seed: number): RawImage => {
  const random = randomNumbers(seed)
  return { data: Uint8Array.from({ length: width * height * 3 }, () => 256 * random()), width, height, channels: 3 }
}

/** A folder whose module does what it is told to: for `images` of 2 it never ends, for 3 it traps. */
const { branch, branchIf, buildModule, i32Const, i32Subtract, ifThen, localGet, loop } = assembler
const unruly: Files = (() => {
  const steps = WebAssembly.Module.exports(new WebAssembly.Module(files['compiled/cpu/model.wasm'] as Uint8Array<ArrayBuffer>)).map(({ name }) => name)
  const when = (count: number, code: readonly number[]): number[] => [...localGet(0), ...i32Const(count), ...i32Subtract, 0x45, ...ifThen(code)]
  const body = [...when(2, loop(i32Const(1), branchIf(0), branch(0))), ...when(3, [0x00])]
  return replaceFile(files, 'model.wasm', buildModule(steps.map((name) => ({ name, parameters: ['i32'], locals: [], body, exported: true })), { constants: ['weights', 'arena'] }))
})()

/** Slow enough to be found at work: some 30 ms an image. */
const slowGraph = classGraph([96, 96, 3], [
  { op: 'conv2d', name: 'conv', input: 'image', filters: 64, kernelSize: [7, 7], strides: [1, 1], padding: 'same', bias: true },
  { op: 'conv2d', name: 'again', input: 'conv', filters: 32, kernelSize: [7, 7], strides: [1, 1], padding: 'same', bias: true },
  { op: 'globalAveragePool2d', name: 'mean', input: 'again' },
  { op: 'softmax', name: 'answer', input: 'mean' },
], 32)
const slow = { graph: slowGraph, weights: randomWeights(slowGraph) }
const slowInput = new Float32Array(96 * 96 * 3)

/** Weights of 4 MB, and little else. */
const wideGraph = classGraph([4, 4, 3], [
  { op: 'flatten', name: 'flat', input: 'image' },
  { op: 'dense', name: 'wide', input: 'flat', units: 20_000, bias: true },
  { op: 'dense', name: 'logits', input: 'wide', units: 5, bias: true },
  { op: 'softmax', name: 'answer', input: 'logits' },
], 5)

/** Threads that were sent something, as seen from here: the pool itself shows none. */
const threads = new Set<Worker>()
const { postMessage } = Worker.prototype
Worker.prototype.postMessage = function (this: Worker, ...message) {
  threads.add(this)
  postMessage.apply(this, message)
}

t.test('the answers of a single model, whatever the threads', async (t) => {
  for (const source of [files, parts]) {
    const single = source === files ? model : createModel(smallGraph, smallWeights, { variant: 'simd' })
    for (const shareMemory of [true, false]) {
      for (const count of source === files ? [1, 2, 4] : [2]) {
        const pool = await createPool(source, { ...options, threads: count, shareMemory })
        t.equal(pool.sharesMemory, shareMemory)
        const answers = await Promise.all(Array.from({ length: 20 }, (_, seed) => pool.run(inputOf(seed), 1)))
        t.same(answers.map(answerOf), answers.map((_, seed) => answerOf(single.run(inputOf(seed), 1))), `${count} threads, ${shareMemory ? 'shared' : 'own'} memory`)
        const batch = await pool.run(inputOf(1, 30), 30)
        t.same(answerOf(batch), answerOf(single.run(inputOf(1, 30), 30)), 'a batch in parts')
        t.same((await pool.run(new Float32Array(0), 0)).get('answer')!.length, 0)
        await pool.close()
      }
    }
  }
})

t.test('images, one and many', async (t) => {
  const graph = digitsGraph()
  const weights = randomWeights(graph)
  const single: Model = createModel(graph, weights, { variant: 'simd' })
  const pool = await createPool({ graph, weights }, { ...options, threads: 2 })
  const images = Array.from({ length: 21 }, (_, seed) => photo(8 + seed, 12, seed))
  t.same(await pool.predict(images[3]!), single.predict(images[3]!))
  t.same(await pool.predict(images), single.predict(images))
  t.same(await pool.predict([]), [])
  await t.rejects(pool.predict({ ...images[0]!, width: 5 }), { code: 'INFER_ARGUMENT' })
  await pool.close()
})

t.test('weights lie in memory once', async (t) => {
  const wide = { graph: wideGraph, weights: randomWeights(wideGraph) }
  const bytes = async (threads: number, shareMemory: boolean): Promise<number> => {
    const pool = await createPool(wide, { ...options, threads, batch: 1, shareMemory })
    t.equal(pool.runsOn, 'simd')
    await pool.close()
    return pool.memoryBytes
  }
  const [one, five, fiveCopies] = [await bytes(1, true), await bytes(5, true), await bytes(5, false)]
  t.ok(one > 4e6, 'mostly weights')
  t.ok(five - one < 4 * 300_000, `an arena for each thread: ${one} bytes become ${five}`)
  t.ok(fiveCopies > 5 * 4e6)
  await t.rejects(createPool(wide, { threads: 30, maxMemoryBytes: 5e6 }), { code: 'INFER_MEMORY', message: /30 threads.*take fewer threads/ })
})

t.test('threads work at the same time; a full queue refuses, and recovers', async (t) => {
  const pool = await createPool(slow, { ...options, threads: 2, queue: 3, batch: 1 })
  const accepted = Array.from({ length: 5 }, () => pool.run(slowInput, 1))
  await wait(1)
  t.same([pool.running, pool.waiting], [2, 3])
  await t.rejects(pool.run(slowInput, 1), { code: 'INFER_BUSY', message: /3 requests wait/ })
  await t.rejects(pool.predict(photo(96, 96, 1)), { code: 'INFER_BUSY' })
  t.same(new Set((await Promise.all(accepted)).map((outputs) => answerOf(outputs).join())).size, 1)
  t.same([pool.running, pool.waiting], [0, 0])
  const parts = pool.run(new Float32Array(6 * slowInput.length), 6)
  await wait(1)
  t.same([pool.running, pool.waiting], [2, 1], 'a request of many parts has one place')
  t.equal((await parts).get('answer')!.length, 6 * 32)
  await pool.close()
  const none = await createPool(slow, { ...options, queue: 0 })
  const first = none.run(slowInput, 1)
  await t.rejects(none.run(slowInput, 1), { code: 'INFER_BUSY' })
  await first
  await none.run(slowInput, 1)
  await none.close()
})

t.test('a signal takes a request out of the queue', async (t) => {
  const pool = await createPool(slow, { ...options, queue: 1 })
  const [running, waiting] = [new AbortController(), new AbortController()]
  const first = pool.run(slowInput, 1, { signal: running.signal })
  const second = pool.run(slowInput, 1, { signal: waiting.signal })
  waiting.abort(new Error('the client went away'))
  await t.rejects(second, { code: 'INFER_ABORTED', cause: { message: 'the client went away' } })
  t.equal(pool.waiting, 0, 'its place is free')
  const third = pool.run(slowInput, 1)
  running.abort()
  await t.rejects(first, { code: 'INFER_ABORTED' })
  t.equal(answerOf(await third).length, 32, 'the thread goes on')
  await t.rejects(pool.run(slowInput, 1, { signal: AbortSignal.abort() }), { code: 'INFER_ABORTED' })
  await pool.close()
})

t.test('time runs out, waiting or running; a thread that never ends is replaced', async (t) => {
  const pool = await createPool(unruly, { ...options, timeoutMs: 50 })
  const [endless, waiting] = [pool.run(smallInput(2), 2), pool.run(smallInput(1), 1, { timeoutMs: 100 })]
  await t.rejects(endless, { code: 'INFER_TIMEOUT', message: /within 50 ms/ })
  await t.rejects(waiting, { code: 'INFER_TIMEOUT', message: /within 100 ms/ })
  t.ok(await pool.run(smallInput(1), 1, { timeoutMs: 60_000 }), 'another thread took its place')
  await t.rejects(pool.run(smallInput(1), 1, { timeoutMs: 0 }), { code: 'INFER_ARGUMENT', message: /timeoutMs/ })
  await pool.close()
})

t.test('a module that fails fails its request alone', async (t) => {
  for (const shareMemory of [true, false]) {
    const pool = await createPool(unruly, { ...options, shareMemory })
    await t.rejects(pool.run(smallInput(3), 3), { code: 'INFER_COMPILED', message: /the module failed/ })
    t.ok(await pool.run(smallInput(1), 1))
    await pool.close({ drain: false })
  }
})

t.test('a thread that dies is replaced', async (t) => {
  for (const shareMemory of [true, false]) {
    threads.clear()
    const pool = await createPool(slow, { ...options, threads: 2, shareMemory })
    const [first, second] = [...threads]
    t.equal(threads.size, 2)
    const expected = answerOf(await pool.run(slowInput, 1))
    const both = Promise.allSettled([pool.run(slowInput, 1), pool.run(slowInput, 1), pool.run(slowInput, 1)])
    await first!.terminate()
    const ends = (await both).map((end) => (end.status === 'fulfilled' ? answerOf(end.value).join() : (end.reason as InferError).code))
    t.same(ends.sort(), [expected.join(), expected.join(), 'INFER_WORKER_FAILED'].sort())
    await second!.terminate() // idle
    t.same(answerOf(await pool.run(slowInput, 1)), expected)
    const next = await Promise.all([pool.run(slowInput, 1), pool.run(slowInput, 1)])
    t.same(next.map(answerOf), [expected, expected])
    await pool.close()
    t.ok(threads.size >= 3)
  }
})

t.test('the end: what was accepted is answered, or rejected', async (t) => {
  const pool = await createPool(slow, options)
  const accepted = [pool.run(slowInput, 1), pool.run(slowInput, 1)]
  const closed = pool.close()
  await t.rejects(pool.run(slowInput, 1), { code: 'INFER_CLOSED', message: /create another/ })
  await closed
  t.equal((await Promise.all(accepted)).length, 2)
  await pool.close()

  const other = await createPool(slow, options)
  const rejected = Promise.allSettled([other.run(slowInput, 1), other.run(slowInput, 1)])
  await Promise.all([other.close(), other.close({ drain: false })])
  t.same((await rejected).map((end) => end.status === 'rejected' && (end.reason as InferError).code), ['INFER_CLOSED', 'INFER_CLOSED'])
})

t.test('options', async (t) => {
  for (const wrong of [{ threads: 0 }, { threads: 1.5 }, { queue: -1 }, { timeoutMs: NaN }, { batch: 0 }]) await t.rejects(createPool(parts, wrong), { code: 'INFER_ARGUMENT' }, JSON.stringify(wrong))
  await t.rejects(createPool({ graph: smallGraph, weights: new Map() }), { code: 'INFER_WEIGHTS' })
  await t.rejects(createPool('/nowhere'), { code: 'INFER_MODEL_READ' })
  const sharing = buildModule([], { constants: ['weights', 'arena'], sharedPages: 1 })
  await t.rejects(createPool(replaceFile(files, 'model.wasm', sharing), options), { code: 'INFER_COMPILED' }, 'a module that shares what it was not told to')
  const module = new WebAssembly.Module(files['compiled/cpu/model.wasm'] as Uint8Array<ArrayBuffer>)
  const pool: Pool = await createPool({ ...files, 'compiled/cpu/model.wasm': module }, options)
  t.notOk(pool.sharesMemory, 'a module made for memory of its own')
  t.same(answerOf(await pool.run(inputOf(1), 1)), answerOf(model.run(inputOf(1), 1)))
  await t.rejects(pool.run(inputOf(1), 2), { code: 'INFER_ARGUMENT' })
  await pool.close()
})

t.test('200 pools, opened and closed, in flat memory', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const wide = await compiledFiles(wideGraph, 1)
  const openAndClose = async (): Promise<void> => {
    const pool = await createPool(wide, options)
    await pool.run(new Float32Array(48), 1)
    await pool.close()
  }
  const hundred = async (): Promise<void> => {
    for (let round = 0; round < 25; round++) await Promise.all(Array.from({ length: 4 }, openAndClose))
    threads.clear()
    for (let time = 0; time < 3; time++) {
      collect()
      await wait(20)
    }
  }
  await hundred()
  const before = process.memoryUsage().rss
  await hundred()
  const grown = (process.memoryUsage().rss - before) / 2 ** 20
  t.ok(grown < 100, `${grown.toFixed(1)} MB more: 100 copies of the weights alone would be 400`)
})
