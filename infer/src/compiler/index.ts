// From a network to the WebAssembly that runs it.

export { compileGraph, moduleConstants, networkModule, type CompiledNetwork, type CompileOptions, type Step, type TensorPlace } from './compile.js'
export type { WinogradUse } from './convolution-choice.js'
export { plainSimd, relaxedSimd, type Kernel, type Layout, type Variant } from '../kernels/network/kernel.js'
export { openSession, type Session } from '../runtime/session.js'
