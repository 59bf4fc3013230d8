// SHA-256 through the Web Crypto of the platform: Node, Deno, Bun, and pages from https or localhost.

import { InferError } from './errors.js'

/**
 * The digest in hexadecimal.
 * @throws InferError INFER_ARGUMENT in a page that is not from a secure address, which has no Web Crypto
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const subtle = globalThis.crypto?.subtle
  if (subtle === undefined) throw new InferError('INFER_ARGUMENT', 'expected a page from https or localhost, where the browser has Web Crypto to check the model with; serve the page from there')
  const digest = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
