// What a file is recognised by: its length and its SHA-256.

import { InferError } from './errors.js'
import { otherLength } from './model-files.js'
import { sha256 } from './sha256.js'

export interface FileDigest {
  /** 64 hexadecimal digits. */
  readonly sha256: string
  readonly byteLength: number
}

export async function fileDigest(bytes: Uint8Array): Promise<FileDigest> {
  return { sha256: await sha256(bytes), byteLength: bytes.length }
}

/**
 * @param from the document that names the digest
 * @throws InferError INFER_MODEL_CHANGED for another file
 */
export async function checkDigest(bytes: Uint8Array, expected: FileDigest, from: string, path: string): Promise<void> {
  if (bytes.length !== expected.byteLength) throw otherLength(path, expected.byteLength, bytes.length)
  checkSha256(await sha256(bytes), expected, from, path)
}

/** @throws InferError INFER_MODEL_CHANGED for another digest */
export function checkSha256(found: string, expected: FileDigest, from: string, path: string): void {
  if (found !== expected.sha256) {
    throw new InferError('INFER_MODEL_CHANGED', `${path}: its SHA-256 is ${found}, which is not the one in ${from}; copy the folder again or export the model again`, { path })
  }
}
