// A page has no folders to write.

import { InferError } from './errors.js'

export function writeFolder(folder: string): Promise<void> {
  return Promise.reject(new InferError('INFER_MODEL_WRITE', `${folder}: a page cannot write a folder; do it in Node`, { path: folder }))
}
