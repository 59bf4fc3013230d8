// Where a model folder's files come from: a folder on the disk, a place on the web, or bytes at hand.

import { InferError } from './errors.js'
import { sha256 } from './sha256.js'

export interface ModelFiles {
  /** For errors: the folder's path or address. */
  readonly name: string
  /**
   * A file's bytes by its name within the folder; undefined where there is no such file.
   * @throws InferError INFER_MODEL_READ if it cannot be read or has more than `maxBytes`
   */
  read(name: string, maxBytes: number): Promise<Uint8Array | undefined>
  /**
   * Fills `target` with a file of just its length and gives the file's SHA-256: for large files, which are then in
   * memory once.
   * @throws InferError INFER_MODEL_READ, also where the file is missing; INFER_MODEL_CHANGED for another length
   */
  readInto(name: string, target: Uint8Array): Promise<string>
  /** A module that the application holds ready compiled, for places where it may not compile one. */
  module?(name: string): WebAssembly.Module | undefined
}

/** Files under an address that ends in a slash. */
export function webFiles(address: URL): ModelFiles {
  const placeOf = (name: string): URL => new URL(name, address.href.endsWith('/') ? address : `${address.href}/`)
  return {
    name: address.href,
    async read(name, maxBytes) {
      const place = placeOf(name)
      const response = await fetchFile(place)
      return response && readBody(response, place.href, maxBytes)
    },
    async readInto(name, target) {
      const place = placeOf(name)
      const response = await fetchFile(place)
      if (response === undefined) throw missing(place.href)
      let at = 0
      for await (const part of bodyParts(response, place.href)) {
        if (at + part.length > target.length) throw otherLength(place.href, target.length, at + part.length)
        target.set(part, at)
        at += part.length
      }
      if (at !== target.length) throw otherLength(place.href, target.length, at)
      return sha256(target)
    },
  }
}

/** A file's answer; undefined where there is none. */
async function fetchFile(place: URL): Promise<Response | undefined> {
  const response = await fetch(place).catch((cause: unknown) => {
    throw unreadable(place.href, (cause as Error).message, cause)
  })
  if (response.status === 404) return undefined
  if (!response.ok) throw unreadable(place.href, `the server answered ${response.status}`)
  return response
}

/** A folder in memory: what its files hold by their path, `compiled/cpu/plan.json`. */
export type FilesInMemory = Readonly<Record<string, Uint8Array | WebAssembly.Module>>

export function memoryFiles(files: FilesInMemory): ModelFiles {
  const find = (name: string): Uint8Array | WebAssembly.Module | undefined => (Object.hasOwn(files, name) ? files[name] : undefined)
  return {
    name: 'model',
    async read(name, maxBytes) {
      const bytes = find(name)
      if (bytes === undefined || bytes instanceof WebAssembly.Module) return undefined
      if (bytes.length > maxBytes) throw tooLong(name, bytes.length, maxBytes)
      return bytes
    },
    async readInto(name, target) {
      const bytes = find(name)
      if (bytes === undefined || bytes instanceof WebAssembly.Module) throw missing(name)
      if (bytes.length !== target.length) throw otherLength(name, target.length, bytes.length)
      target.set(bytes)
      return sha256(bytes)
    },
    module(name) {
      const module = find(name)
      return module instanceof WebAssembly.Module ? module : undefined
    },
  }
}

/**
 * A file's bytes.
 * @throws InferError INFER_MODEL_READ
 */
export async function readNeeded(files: ModelFiles, name: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = await files.read(name, maxBytes)
  if (bytes === undefined) throw missing(`${files.name}/${name}`)
  return bytes
}

/** The body, given up as soon as it is longer than it may be. */
async function readBody(response: Response, place: string, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of bodyParts(response, place)) {
    length += part.length
    if (length > maxBytes) throw tooLong(place, length, maxBytes)
    parts.push(part)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** The body's pieces. Who stops early ends the transfer. */
async function* bodyParts(response: Response, place: string): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value
  } catch (error) {
    throw unreadable(place, (error as Error).message, error)
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

export function unreadable(place: string, reason: string, cause?: unknown): InferError {
  return new InferError('INFER_MODEL_READ', `${place}: ${reason}; a model folder holds graph.json and weights.safetensors, as "millrace export" writes them`, { path: place, cause })
}

export function tooLong(place: string, found: number, maxBytes: number): InferError {
  return unreadable(place, `it has ${found} bytes or more, at most ${maxBytes} are read`)
}

export function missing(place: string): InferError {
  return unreadable(place, 'there is no such file')
}

export function otherLength(path: string, expected: number, found: number): InferError {
  return new InferError('INFER_MODEL_CHANGED', `${path}: expected ${expected} bytes, found ${found}; copy the folder again or export the model again`, { path })
}
