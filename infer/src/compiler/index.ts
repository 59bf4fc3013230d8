// From a network to the WebAssembly that runs it.

export { compileGraph, networkModule, planOf, type CompiledNetwork, type CompileOptions, type Step } from './compile.js'
export { plainSimd, relaxedSimd, type Kernel, type Layout, type Variant } from '../kernels/network/kernel.js'
export { openSession } from './open-session.js'
export { openCompiledModel, saveCompiled, type CompiledSummary, type SaveCompiledOptions } from './compiled-folder.js'
export { moduleConstants, type NetworkPlan, type PlannedStep, type TensorPlace, type VariantName, type WinogradUse } from '../runtime/plan.js'
export type { Session, SessionOptions } from '../runtime/session.js'
