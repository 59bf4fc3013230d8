// The elements of the arrays in a JSON file that is too large to hold: { "images": [ … ], "annotations": [ … ] }.
// A scan over the bytes finds where each element begins and ends, and JSON.parse reads the element. Over
// COCO's 450 MB that takes a quarter of the time that a tokenizer in JavaScript needs (docs/benchmarks.md).
//
// Checked: the file is one object, its wanted members are arrays, their elements are JSON in UTF-8. Other
// members are passed over; of them only the brackets and quotes must close.

import { isAscii } from 'node:buffer'
import type { PipelineError } from '../errors.js'
import { annotationError } from './annotation-error.js'
import { readChunks } from './file-chunks.js'

/** What is done with each element of the arrays of these names. What it throws ends the reading. */
export type ElementReaders = Readonly<Record<string, (element: unknown, index: number) => void>>

/** An annotation of COCO with its polygon has some 500 bytes, and a long one 100,000. */
const maxElementBytes = 2 ** 24

/**
 * Reads the file once. Memory: an element.
 * @returns the names of the wanted arrays that there are
 * @throws PipelineError PIPE_ANNOTATION with the byte, PIPE_SOURCE_MISSING, PIPE_ABORTED
 */
export async function readJsonArrays(path: string, readers: ElementReaders, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<ReadonlySet<string>> {
  const scanner = new ArrayScanner(path, readers)
  for await (const chunk of readChunks(path, options.signal)) scanner.scan(chunk)
  scanner.end()
  return scanner.found
}

/** What is expected next: a character, or the rest of a value. */
type State = 'object' | 'first key' | 'key' | 'colon' | 'member' | 'after member' | 'first element' | 'element' | 'after element' | 'value' | 'end'

const quoteByte = 0x22
const comma = 0x2c
const backslash = 0x5c

class ArrayScanner {
  readonly found = new Set<string>()
  readonly #path: string
  readonly #readers: ElementReaders
  #state: State = 'object'
  /** Of the chunk in work, in the file. */
  #chunkStart = 0
  /** The member in work, and the place in its array. */
  #key = ''
  #index = 0
  readonly #value = new ValueScan()
  /** What the value in work is: the key of a member, an element to be read, or a member to be passed over. */
  #role: 'key' | 'element' | 'other' = 'key'
  /** The value's bytes in earlier chunks. */
  #held: Buffer[] = []
  #heldBytes = 0

  constructor(path: string, readers: ElementReaders) {
    this.#path = path
    this.#readers = readers
  }

  scan(chunk: Buffer): void {
    const isMarked = this.#chunkStart === 0 && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf
    let at = isMarked ? 3 : 0
    while (at < chunk.length) {
      if (this.#state === 'value') {
        const end = this.#value.scan(chunk, at)
        this.#take(chunk, at, end)
        at = end
      } else {
        const byte = chunk[at]!
        if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) at++
        else if (this.#step(byte, at)) at++
      }
    }
    this.#chunkStart += chunk.length
  }

  /** @throws PipelineError PIPE_ANNOTATION where the file has not come to its end */
  end(): void {
    if (this.#state === 'object' && this.#chunkStart === 0) throw annotationError(this.#path, '', 'a JSON object', 'an empty file')
    if (this.#state !== 'end') throw this.#wrong(0, `${this.#describeExpected()}`, 'the end of the file')
  }

  /** Takes one character between values; false where a value begins with it. */
  #step(byte: number, at: number): boolean {
    const character = String.fromCharCode(byte)
    const next = transitions[this.#state]?.[character]
    if (next !== undefined) {
      this.#state = next
      return true
    }
    switch (this.#state) {
      case 'first key':
      case 'key':
        if (byte === quoteByte) return this.#begin('key', byte)
        break
      case 'member':
        if (byte === comma || isClosing(byte)) break
        if (!Object.hasOwn(this.#readers, this.#key)) return this.#begin('other', byte)
        if (character === '[' && !this.found.has(this.#key)) {
          this.found.add(this.#key)
          this.#index = 0
          this.#state = 'first element'
          return true
        }
        throw this.#wrong(at, `one array ${JSON.stringify(this.#key)}`, this.found.has(this.#key) ? 'a second one' : JSON.stringify(character))
      case 'first element':
      case 'element':
        if (byte !== comma && !isClosing(byte)) return this.#begin('element', byte)
    }
    throw this.#wrong(at, this.#describeExpected(), JSON.stringify(character))
  }

  #begin(role: 'key' | 'element' | 'other', byte: number): false {
    this.#role = role
    this.#value.begin(byte)
    this.#state = 'value'
    return false
  }

  /** The value's bytes in this chunk; the value itself where it ends here. */
  #take(chunk: Buffer, start: number, end: number): void {
    const piece = chunk.subarray(start, end)
    if (!this.#value.isComplete) {
      if (this.#role === 'other') return
      this.#heldBytes += piece.length
      if (this.#heldBytes > maxElementBytes) throw this.#wrong(start, `elements of at most ${maxElementBytes} bytes`, 'a longer one')
      this.#held.push(Buffer.from(piece)) // the chunk's buffer is used again
      return
    }
    this.#finish(this.#held.length === 0 ? piece : Buffer.concat([...this.#held, piece]), end)
    this.#held = []
    this.#heldBytes = 0
  }

  #finish(bytes: Buffer, end: number): void {
    switch (this.#role) {
      case 'key':
        this.#key = String(this.#parse(bytes, end))
        this.#state = 'colon'
        return
      case 'element':
        this.#readers[this.#key]!(this.#parse(bytes, end), this.#index++)
        this.#state = 'after element'
        return
      case 'other':
        this.#state = 'after member'
    }
  }

  #parse(bytes: Buffer, end: number): unknown {
    try {
      return JSON.parse(isAscii(bytes) ? bytes.toString('latin1') : new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
    } catch (cause) {
      throw this.#wrong(end - bytes.length, 'JSON in UTF-8', (cause as Error).message, cause)
    }
  }

  #describeExpected(): string {
    return this.#state === 'value' ? 'the end of a value' : expected[this.#state]
  }

  #wrong(at: number, wanted: string, found: string, cause?: unknown): PipelineError {
    const member = this.#key === '' ? '' : ` in ${JSON.stringify(this.#key)}`
    return annotationError(this.#path, `byte ${Math.max(0, this.#chunkStart + at)}${member}`, wanted, found, cause)
  }
}

/** Characters that lead from one state to the next. */
const transitions: Partial<Record<State, Readonly<Record<string, State>>>> = {
  object: { '{': 'first key' },
  'first key': { '}': 'end' },
  colon: { ':': 'member' },
  'after member': { ',': 'key', '}': 'end' },
  'first element': { ']': 'after member' },
  'after element': { ',': 'element', ']': 'after member' },
}

const expected: Readonly<Record<Exclude<State, 'value'>, string>> = {
  object: 'a JSON object, which begins with {',
  'first key': 'a name in quotes or }',
  key: 'a name in quotes',
  colon: 'a colon',
  member: 'a value',
  'after member': ', or }',
  'first element': 'an element or ]',
  element: 'an element',
  'after element': ', or ]',
  end: 'nothing more',
}

/** Finds a value's last byte: brackets that close outside of strings, a closing quote, or the end of a number or word. */
class ValueScan {
  isComplete = false
  #isWord = false
  #depth = 0
  #isString = false
  #isEscaped = false

  begin(byte: number): void {
    this.isComplete = false
    this.#isWord = byte !== quoteByte && !isOpening(byte)
    this.#depth = 0
    this.#isString = false
    this.#isEscaped = false
  }

  /** Where the value ends in the chunk (after its last byte), or the chunk's end. */
  scan(chunk: Buffer, start: number): number {
    if (this.#isWord) return this.#scanWord(chunk, start)
    let depth = this.#depth
    let isString = this.#isString
    let at = start
    if (this.#isEscaped) at++
    for (; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (isString) {
        if (byte === backslash) at++
        if (byte !== quoteByte) continue
        isString = false
      } else if (byte === quoteByte) {
        isString = true
        continue
      } else if (isOpening(byte)) {
        depth++
        continue
      } else if (isClosing(byte)) depth--
      else continue
      if (depth > 0) continue
      this.isComplete = true
      return at + 1
    }
    this.#isEscaped = at > chunk.length
    this.#depth = depth
    this.#isString = isString
    return chunk.length
  }

  #scanWord(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (byte > 0x20 && byte !== comma && !isClosing(byte)) continue
      this.isComplete = true
      return at
    }
    return chunk.length
  }
}

function isOpening(byte: number): boolean {
  return byte === 0x7b || byte === 0x5b
}

function isClosing(byte: number): boolean {
  return byte === 0x7d || byte === 0x5d
}
