// LiteRT.js, which is made for pages: what it wants of one is put in its place. Without relaxed SIMD (Node 20
// without a flag) it loads its build for plain SIMD.

import { readFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { runInThisContext } from 'node:vm'

const require = createRequire(import.meta.url)

globalThis.self = globalThis
globalThis.importScripts = (script) => {
  globalThis.ModuleFactory = runInThisContext(`(function (require, __filename, __dirname) { ${readFileSync(script, 'utf8')}\n return ModuleFactory })`)(require, script, dirname(script))
}
globalThis.Module = { print() {}, printErr() {} }
console.warn = () => {} // that there is no GPU

export async function load({ folder, shape, batch }) {
  const { loadAndCompile, loadLiteRt, Tensor } = await import('@litertjs/core')
  await loadLiteRt(join(dirname(require.resolve('@litertjs/core')), '../wasm'))
  const model = await loadAndCompile(await readFile(join(folder, `batch-${batch}.tflite`)), { accelerator: 'wasm', cpuOptions: { numThreads: 1 } })
  const names = JSON.parse(await readFile(join(folder, 'graph.json'), 'utf8')).outputs
  return {
    prepare: (images) => images,
    async infer(images) {
      const input = new Tensor(images, [batch, ...shape])
      const outputs = await model.run([input])
      const answers = outputs.map((tensor, index) => [names[index], tensor.toTypedArray()])
      for (const tensor of [input, ...outputs]) tensor.delete()
      return new Map(answers)
    },
  }
}
