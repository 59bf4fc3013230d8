// Who is measured: peers/NAME.mjs each, and what they cost on a disk.

import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('..', import.meta.url))

/** Name → most threads that it can use here, its packages, and the one file beside its JavaScript that it loads. */
export const peers = {
  millrace: { mostThreads: 1, packages: ['../infer/dist'] },
  'onnxruntime-web': { mostThreads: Infinity, packages: ['onnxruntime-web', 'onnxruntime-common'], binary: 'onnxruntime-web/dist/ort-wasm-simd-threaded.wasm' },
  'tfjs-wasm': { mostThreads: 1, packages: ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm'], binary: '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm' },
  litert: { mostThreads: 1, packages: ['@litertjs/core', '@litertjs/wasm-utils'], binary: '@litertjs/core/wasm/litert_wasm_internal.wasm' },
  'onnxruntime-node': { mostThreads: Infinity, packages: ['onnxruntime-node', 'onnxruntime-common'] },
}

/** Bytes of the installed packages, and of the binary. */
export function sizesOf(name) {
  const { packages, binary } = peers[name]
  const at = (path) => (path.startsWith('../') ? join(here, path) : join(here, 'node_modules', path))
  return { packageBytes: packages.reduce((sum, path) => sum + sizeOf(at(path)), 0), ...(binary && { binaryBytes: sizeOf(at(binary)) }) }
}

function sizeOf(path) {
  const status = lstatSync(path)
  return status.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : status.size
}
