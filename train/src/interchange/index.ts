// Networks in and out of other tools' files, one file or folder a format. Nothing here imports tfjs.

export type { ImportedNetwork, ImportOptions } from './network-file.js'
export { importOnnx, readOnnx, type OnnxOptions } from './onnx/import.js'
export { exportOnnx, writeOnnx } from './onnx/export.js'
export { readTfjs } from './tfjs/import.js'
