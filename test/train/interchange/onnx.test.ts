// ONNX in and out: networks that PyTorch wrote against its own answers, ours to ONNX and back, single operators,
// and files that are damaged or say what is not known.

import t from 'tap'
import fc from 'fast-check'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createModel, runReference, type Graph, type Weights } from '@millrace/infer'
import { compileGraph, openSession } from '@millrace/infer/compiler'
import { TrainError } from '@millrace/train'
import { exportOnnx, importOnnx, readOnnx, writeOnnx } from '@millrace/train/interchange'
import { blocks } from '../../infer/compiler/blocks.js'
import { digitsGraph, randomNumbers, randomWeights } from '../../infer/networks.js'
import { fixture } from '../../support.js'
import { encodeModel } from '../../../../train/dist/interchange/onnx/messages.js'
import { floats, integers, onnxFile, operator, type SmallNetwork } from './onnx-fixture.js'

const made = ['residual', 'residual-opset9', 'mobile', 'mobile-opset11', 'shuffle', 'many']

/** [n, c, h, w] → [n, h, w, c]; anything else as it is. */
function channelsLast(values: ArrayLike<number>, [batch = 0, channels = 0, height, width]: readonly number[]): Float32Array {
  if (height === undefined || width === undefined) return Float32Array.from(values)
  const turned = new Float32Array(values.length)
  const pixels = height * width
  for (let image = 0; image < batch; image++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let pixel = 0; pixel < pixels; pixel++) turned[(image * pixels + pixel) * channels + channel] = values[(image * channels + channel) * pixels + pixel]!
    }
  }
  return turned
}

/** The largest difference as a share of the range. */
function distance(found: Float32Array, wanted: Float32Array): number {
  if (found.length !== wanted.length) return Infinity
  const range = Math.max(...wanted) - Math.min(...wanted)
  return found.reduce((most, value, index) => Math.max(most, Math.abs(value - wanted[index]!)), 0) / (range || 1)
}

for (const name of made) {
  t.test(`${name}: as PyTorch computes it`, async (t) => {
    const { graph, weights } = await readOnnx(fixture(`onnx/${name}.onnx`), { softmax: false })
    const { shape, values } = JSON.parse(await readFile(fixture(`onnx/${name}.json`), 'utf8')) as { shape: number[]; values: number[] }
    const [height, width, channels] = graph.input.shape
    const input = channelsLast(Float32Array.from({ length: 2 * height * width * channels }, (_, index) => Math.sin(0.37 * index)), [2, channels, height, width])
    const wanted = channelsLast(values, shape)
    t.same(graph.outputs, ['answer'], 'by its name in the file')
    t.ok(distance(runReference(graph, weights, input, 2).get('answer')!, wanted) < 2e-6)
    if (name !== 'many') t.ok(distance(openSession(compileGraph(graph, weights, { batch: 2 })).run(input, 2).get('answer')!, wanted) < 1e-5, 'compiled')
  })
}

t.test('activations that torch spells out are one operation', async (t) => {
  const operations = async (name: string): Promise<string> => (await readOnnx(fixture(`onnx/${name}.onnx`))).graph.nodes.map(({ op }) => op).join(' ')
  t.match(await operations('mobile-opset11'), /^batchNorm conv2d clip hardSwish conv2d hardSwish globalAveragePool2d reshape conv2d swish conv2d hardSigmoid multiply add globalAveragePool2d dense softmax$/)
  t.match(await operations('many'), /gelu elu tanh leakyRelu/)
  t.notMatch(await operations('residual'), /transpose/, 'the rows of the product are moved instead')
})

t.test('classes: a softmax where there is none, and names', async (t) => {
  const path = fixture('onnx/residual.onnx')
  const { graph, weights } = await readOnnx(path, { classNames: ['a', 'b', 'c', 'd', 'e'] })
  t.same(graph.task, { kind: 'class', output: 'probabilities', classNames: ['a', 'b', 'c', 'd', 'e'] })
  t.match(createModel(graph, weights).predict({ data: new Uint8Array(17 * 13 * 3), width: 13, height: 17, channels: 3 }), { kind: 'class' })
  t.same((await readOnnx(fixture('onnx/mobile.onnx'))).graph.task, { kind: 'class', output: 'answer', classNames: Array.from({ length: 7 }, (_, index) => `class ${index}`) })
  t.same((await readOnnx(fixture('onnx/many.onnx'))).graph.task, { kind: 'tensors' })
  const tensors = await readOnnx(path, { softmax: false, name: 'other' })
  t.equal(tensors.graph.name, 'other')
  const answer = createModel(tensors.graph, tensors.weights).predict({ data: new Uint8Array(17 * 13 * 3), width: 13, height: 17, channels: 3 })
  t.ok(answer.kind === 'tensors' && answer.outputs.get('answer')!.length === 5)
  await t.rejects(readOnnx(path, { classNames: ['a'] }), { code: 'TRAIN_NETWORK_UNSUPPORTED', message: /names of 5 classes, found 1/ })
  await t.rejects(readOnnx(fixture('onnx/many.onnx'), { classNames: ['a'] }), { code: 'TRAIN_NETWORK_UNSUPPORTED' })
})

const unwritable = new Set(['maxout', 'subtractiveNorm'])
for (const [name, graph] of Object.entries({ ...blocks, digits: digitsGraph() })) {
  t.test(`${name}: to ONNX and back`, async (t) => {
    const weights = randomWeights(graph)
    const stranger = graph.nodes.find(({ op }) => unwritable.has(op))
    if (stranger !== undefined) {
      t.throws(() => exportOnnx(graph, weights), { code: 'TRAIN_NETWORK_UNSUPPORTED', message: new RegExp(`"${stranger.name}"`) })
      return
    }
    const again = importOnnx(exportOnnx(graph, weights))
    t.same(again.graph.task, graph.task)
    t.same(again.graph.preprocessing, graph.preprocessing)
    t.same(again.graph.outputs, graph.outputs)
    t.same(again.graph.input, graph.input)
    t.equal(again.graph.name, graph.name)
    const [height, width, channels] = graph.input.shape
    const next = randomNumbers(3)
    const input = Float32Array.from({ length: 2 * height * width * channels }, () => next())
    const wanted = runReference(graph, weights, input, 2)
    for (const [output, values] of runReference(again.graph, again.weights, input, 2)) t.ok(distance(values, wanted.get(output)!) < 1e-6, output)
  })
}

function outputOf(network: SmallNetwork, input?: Float32Array): { graph: Graph; weights: Weights; values: number[] } {
  const { graph, weights } = importOnnx(onnxFile(network), { softmax: false })
  const size = graph.input.shape.reduce((product, length) => product * length, 1)
  const values = runReference(graph, weights, input ?? Float32Array.from({ length: size }, (_, index) => index), 1)
  return { graph, weights, values: [...values.values().next().value!] }
}

t.test('single operators', async (t) => {
  const image = { input: [0, 1, 2, 2] }
  t.same(outputOf({ ...image, nodes: [operator('Sub', ['c', 'x'], 'y')], weights: [floats('c', [1], [10])] }).values, [10, 9, 8, 7])
  t.same(outputOf({ ...image, nodes: [operator('Max', ['x', 'c'], 'y')], weights: [floats('c', [], [2])] }).values, [2, 2, 2, 3])
  t.same(outputOf({ ...image, nodes: [operator('Pow', ['x', 'c'], 'y')], weights: [floats('c', [], [2])] }).values, [0, 1, 4, 9])
  t.same(outputOf({ ...image, nodes: [operator('Sum', ['x', 'x', 'x'], 'y')] }).values, [0, 3, 6, 9])
  t.same(outputOf({ ...image, opset: 9, nodes: [operator('Clip', ['x'], 'y', { min: { float: 1 }, max: { float: 2 } })] }).values, [1, 1, 2, 2])
  t.same(outputOf({ ...image, opset: 9, nodes: [operator('Upsample', ['x', 's'], 'y', { mode: 'nearest' })], weights: [floats('s', [4], [1, 1, 1, 2])] }).values, [0, 0, 1, 1, 2, 2, 3, 3])
  t.same(outputOf({ ...image, nodes: [operator('Pad', ['x', 'p'], 'y')], weights: [integers('p', [0, 1, 0, 0, 0, 0, 0, -1])] }).values, [0, 0, 0, 2], 'a channel more, a column less')
  t.same(outputOf({ input: [0, 4, 1, 2], nodes: [operator('DepthToSpace', ['x'], 'y', { blocksize: 2 })] }).values, [0, 1, 4, 5, 2, 3, 6, 7])
  t.same(outputOf({ input: [0, 4], nodes: [operator('Add', ['x', 'c'], 'y')], weights: [floats('c', [4], [1, 2, 3, 4])] }).values, [1, 3, 5, 7])
  t.same(outputOf({ input: [0, 2, 1, 2], nodes: [operator('Mul', ['x', 'c'], 'y')], weights: [floats('c', [2, 1, 2], [1, 2, 3, 4])] }).values, [0, 3, 4, 12], 'a number for every place')
})

t.test('weights of other types, and weights that are computed', async (t) => {
  const image = { input: [0, 1, 1, 2] }
  const half = { name: 'c', dims: [1], dataType: 10, rawData: Uint8Array.of(0, 0x42) } // 3
  t.same(outputOf({ ...image, nodes: [operator('Mul', ['x', 'c'], 'y')], weights: [half] }).values, [0, 3])
  t.same(outputOf({ ...image, nodes: [operator('Mul', ['x', 'c'], 'y')], weights: [{ name: 'c', dims: [1], dataType: 11, rawData: new Uint8Array(Float64Array.of(5).buffer) }] }).values, [0, 5])
  t.same(outputOf({ ...image, nodes: [operator('Mul', ['x', 'c'], 'y')], weights: [{ name: 'c', dims: [1], dataType: 1, floatData: [new Uint8Array(Float32Array.of(7).buffer)] }] }).values, [0, 7])
  t.same(outputOf({ ...image, nodes: [operator('Cast', ['i'], 'c', { to: 1 }), operator('Mul', ['x', 'c'], 'y')], weights: [{ name: 'i', dims: [1], dataType: 6, int32Data: [Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)] }] }).values, [-0, -2], 'a packed −2')
  const quantised = { name: 'q', dims: [2, 1], dataType: 3, rawData: Uint8Array.of(255, 4) }
  t.same(outputOf({ input: [0, 2], nodes: [operator('DequantizeLinear', ['q', 's'], 'w'), operator('MatMul', ['x', 'w'], 'y')], weights: [quantised, floats('s', [], [0.5])] }).values, [2])
  const shape = [operator('Shape', ['x'], 's'), operator('Gather', ['s', 'zero'], 'n'), operator('Unsqueeze', ['n', 'axes'], 'n1'), operator('Concat', ['n1', 'rest'], 'to', { axis: 0 }), operator('Reshape', ['x', 'to'], 'y')]
  const flat = outputOf({ input: [0, 3, 2, 2], nodes: shape, weights: [{ ...integers('zero', [0]), dims: [] }, integers('axes', [0]), integers('rest', [-1])] }, Float32Array.from({ length: 12 }, (_, index) => index))
  t.same(flat.values, [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11], 'channel by channel, as the file says')
})

t.test('what is not known is named with its node', async (t) => {
  const refused = (network: SmallNetwork, message: RegExp, code = 'TRAIN_NETWORK_UNSUPPORTED'): void => {
    t.throws(() => importOnnx(onnxFile(network)), { name: 'TrainError', code, message })
  }
  refused({ nodes: [operator('NonMaxSuppression', ['x'], 'y')] }, /^ONNX: node "y" \(NonMaxSuppression\): this operator is not known here/)
  refused({ nodes: [operator('toString', ['x'], 'y')] }, /this operator/)
  refused({ nodes: [{ ...operator('Relu', ['x'], 'y'), domain: 'com.microsoft' }] }, /"com.microsoft"/)
  refused({ nodes: [operator('Relu', ['x'], 'y', { mystery: 1 })] }, /has an attribute "mystery"/)
  refused({ nodes: [operator('MaxPool', ['x'], 'y', { kernel_shape: [2, 2], dilations: [2, 2] })] }, /expected dilations of 1, found 2, 2/)
  refused({ nodes: [operator('Reshape', ['x', 's'], 'y')], weights: [integers('s', [-1, 4])] }, /mixes the images of a batch/)
  refused({ nodes: [operator('Transpose', ['x'], 'y')] }, /moves the batch/)
  refused({ nodes: [operator('ReduceMean', ['x'], 'y', { axes: [0] })] }, /across the images/)
  refused({ nodes: [operator('Relu', ['x'], 'y')], opset: 22 }, /opset 7 to 21, found 22/)
  refused({ nodes: [operator('Relu', ['x'], 'y')], input: [0, 3, 0, 0] }, /expected its size, found \[3, \?, \?\]/)
  refused({ nodes: [operator('Relu', ['z'], 'y')] }, /input "z" is not made before it/, 'TRAIN_NETWORK_FILE')
  refused({ nodes: [] }, /output "y" is made by no node/, 'TRAIN_NETWORK_FILE')
  refused({ nodes: [operator('Conv', ['x', 'w'], 'y')], weights: [floats('w', [1, 3, 1, 1], [1, 2, 3])] }, /expected 3 channels, found 2/, 'TRAIN_NETWORK_FILE')
  refused({ nodes: [operator('Add', ['x', 'w'], 'y')], weights: [floats('w', [9], [1])] }, /weight "w": expected 36 bytes/, 'TRAIN_NETWORK_FILE')
  refused({ nodes: [operator('Add', ['x', 'w'], 'y')], weights: [{ name: 'w', dims: [2 ** 40], dataType: 1, floatData: [] }] }, /at most/, 'TRAIN_NETWORK_FILE')
  refused({ nodes: [operator('Add', ['x', 'w'], 'y')], weights: [{ name: 'w', dims: [1], dataType: 8 }] }, /data type 8/)
  refused({ nodes: [operator('ConstantOfShape', ['s'], 'c'), operator('Add', ['x', 'c'], 'y')], weights: [integers('s', [2 ** 40])] }, /too large/, 'TRAIN_NETWORK_FILE')
  const { graph } = importOnnx(onnxFile({ nodes: [operator('Relu', ['x'], 'y')], input: [0, 3, 0, 0] }), { inputSize: [6, 5] })
  t.same(graph.input.shape, [6, 5, 3])
})

t.test('weights in another file: of the same folder only', async (t) => {
  const folder = t.testdir({ outside: new Uint8Array(0).toString() })
  await mkdir(join(folder, 'model'))
  await writeFile(join(folder, 'model/w.bin'), new Uint8Array(Float32Array.of(0, 4).buffer))
  await writeFile(join(folder, 'secret'), new Uint8Array(8))
  await symlink('../secret', join(folder, 'model/link'))
  const outside = (location: string, more: Readonly<Record<string, string>> = { offset: '4', length: '4' }): Uint8Array => onnxFile({
    input: [0, 1, 1, 2],
    nodes: [operator('Mul', ['x', 'w'], 'y')],
    weights: [{ name: 'w', dims: [1], dataType: 1, dataLocation: 1, externalData: Object.entries({ location, ...more }).map(([key, value]) => ({ key, value })) }],
  })
  const path = join(folder, 'model/net.onnx')
  const read = async (bytes: Uint8Array): ReturnType<typeof readOnnx> => (await writeFile(path, bytes), readOnnx(path, { softmax: false }))
  const { graph, weights } = await read(outside('w.bin'))
  t.same([...runReference(graph, weights, Float32Array.of(1, 2), 1).values().next().value!], [4, 8])
  t.equal(graph.name, 'net')
  for (const location of ['../secret', '/etc/passwd', 'a/../../secret', 'link', 'c:\\x', '']) await t.rejects(read(outside(location)), { code: 'TRAIN_NETWORK_UNSUPPORTED', message: /outside its folder/ }, location)
  await t.rejects(read(outside('none.bin')), { code: 'TRAIN_NETWORK_FILE' })
  await t.rejects(read(outside('w.bin', { offset: '8', length: '4' })), { code: 'TRAIN_NETWORK_FILE', message: /expected bytes 8 to 12/ })
  await t.rejects(read(outside('w.bin', { offset: '-4' })), { code: 'TRAIN_NETWORK_FILE', message: /number of bytes/ })
  await t.rejects(readOnnx(folder), { code: 'TRAIN_NETWORK_FILE', message: /not a plain file/ })
  await t.rejects(readOnnx(join(folder, 'no.onnx')), { code: 'TRAIN_NETWORK_FILE' })
  await t.rejects(writeOnnx(join(folder, 'none/x.onnx'), graph, weights), { code: 'TRAIN_NETWORK_FILE' })
  t.throws(() => importOnnx(outside('w.bin')), { code: 'TRAIN_NETWORK_FILE', message: /was not given/ })
})

t.test('the metadata of our own files are looked at', (t) => {
  const bytes = (value: string): Uint8Array => encodeModel({ opsetImport: [{ version: 13 }], metadataProps: [{ key: 'millrace', value }], graph: { node: [operator('Relu', ['x'], 'y')], input: [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }, { dimValue: 3 }] } } } }], output: [{ name: 'y' }] } })
  for (const value of ['', '{', 'null', '{}', '{"name":"n","task":{"kind":"odd"},"preprocessing":[]}', '{"name":"n","task":{"kind":"class","output":"q","classNames":["a"]},"preprocessing":[]}', '{"name":"n","task":{"kind":"tensors"},"preprocessing":[{"step":"odd"}]}']) {
    t.throws(() => importOnnx(bytes(value)), { code: 'TRAIN_NETWORK_FILE' }, value)
  }
  t.end()
})

t.test('a damaged file gives an error of ours, or a network', async () => {
  const files = await Promise.all(made.map((name) => readFile(fixture(`onnx/${name}.onnx`))))
  const isOurs = (damaged: Uint8Array): boolean => {
    try {
      importOnnx(damaged)
      return true
    } catch (error) {
      if (error instanceof TrainError) return true
      throw error
    }
  }
  fc.assert(fc.property(fc.constantFrom(...files), fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { minLength: 1, maxLength: 6 }), (file, changes) => {
    const damaged = Uint8Array.from(file)
    for (const [place, value] of changes) damaged[Math.floor(place * (damaged.length - 1))] = value
    return isOurs(damaged)
  }), { numRuns: 300 })
  fc.assert(fc.property(fc.constantFrom(...files), fc.double({ min: 0, max: 1, noNaN: true }), (file, share) => isOurs(file.subarray(0, Math.floor(share * file.length)))), { numRuns: 100 })
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), isOurs), { numRuns: 200 })
})
