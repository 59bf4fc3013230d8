// Where a model folder's files come from: a folder on the disk, a place on the web, or bytes at hand.

import { InferError } from './errors.js'

export interface ModelFiles {
  /** For errors: the folder's path or address. */
  readonly name: string
  /**
   * A file's bytes by its name within the folder; undefined where there is no such file.
   * @throws InferError INFER_MODEL_READ if it cannot be read or has more than `maxBytes`
   */
  read(name: string, maxBytes: number): Promise<Uint8Array | undefined>
}

/** Files under an address that ends in a slash. */
export function webFiles(address: URL): ModelFiles {
  return {
    name: address.href,
    async read(name, maxBytes) {
      const place = new URL(name, address.href.endsWith('/') ? address : `${address.href}/`)
      const response = await fetch(place).catch((cause: unknown) => {
        throw unreadable(place.href, (cause as Error).message, cause)
      })
      if (response.status === 404) return undefined
      if (!response.ok) throw unreadable(place.href, `the server answered ${response.status}`)
      return readBody(response, place.href, maxBytes)
    },
  }
}

/** A folder in memory, by file name. */
export function memoryFiles(files: Readonly<Record<string, Uint8Array>>): ModelFiles {
  return {
    name: 'model',
    read: (name, maxBytes) => {
      const bytes = Object.hasOwn(files, name) ? files[name] : undefined
      return bytes !== undefined && bytes.length > maxBytes ? Promise.reject(tooLong(name, bytes.length, maxBytes)) : Promise.resolve(bytes)
    },
  }
}

/** The body, given up as soon as it is longer than it may be. */
async function readBody(response: Response, place: string, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader!.read()) {
    length += part.value.length
    if (length > maxBytes) {
      await reader!.cancel()
      throw tooLong(place, length, maxBytes)
    }
    parts.push(part.value)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export function unreadable(place: string, reason: string, cause?: unknown): InferError {
  return new InferError('INFER_MODEL_READ', `${place}: ${reason}; a model folder holds graph.json and weights.safetensors, as "millrace export" writes them`, { path: place, cause })
}

export function tooLong(place: string, found: number, maxBytes: number): InferError {
  return unreadable(place, `it has ${found} bytes or more, at most ${maxBytes} are read`)
}
