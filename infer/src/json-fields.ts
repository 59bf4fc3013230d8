// Takes the fields of a JSON object that nobody vouches for, each once and by its type, and refuses
// the fields that nobody took. An error names the file and the path of the field within it.

import { InferError } from './errors.js'

const maxTextLength = 1000

/** The fields of one object. */
export class JsonFields {
  readonly #file: string
  readonly #path: string
  readonly #left: Map<string, unknown>

  /**
   * @param file what errors call the document.
   * @param path where in it the object lies; empty for the document itself.
   * @param ignored fields that are for somebody else.
   * @throws InferError INFER_GRAPH_FORMAT, here and in every method, if a value is not what it should be.
   */
  constructor(value: unknown, file: string, path: string, ignored: readonly string[] = []) {
    this.#file = file
    this.#path = path
    if (!isObject(value)) throw formatError(file, path, 'an object', value)
    this.#left = new Map(Object.entries(value).filter(([field]) => !ignored.includes(field)))
  }

  /** The value, whatever it is; undefined where there is none. */
  take(field: string): unknown {
    const value = this.#left.get(field)
    this.#left.delete(field)
    return value
  }

  has(field: string): boolean {
    return this.#left.has(field)
  }

  isText(field: string): boolean {
    return typeof this.#left.get(field) === 'string'
  }

  object(field: string): JsonFields {
    return new JsonFields(this.take(field), this.#file, this.#at(field))
  }

  objects(field: string, maxLength: number): JsonFields[] {
    return this.#list(field, maxLength, (value, place) => new JsonFields(value, this.#file, place))
  }

  /** A text of at most 1000 characters, none of them a control character. */
  text(field: string): string {
    return this.#asText(this.take(field), this.#at(field))
  }

  texts(field: string, maxLength: number): string[] {
    return this.#list(field, maxLength, this.#asText)
  }

  /** One of a few texts. */
  choice<const Text extends string>(field: string, texts: readonly Text[]): Text {
    const value = this.take(field)
    return texts.find((text) => text === value) ?? this.fail(field, texts.map((text) => `"${text}"`).join(' or '), value)
  }

  /** A name of letters, digits and _ . : / - only, which can be printed anywhere. */
  name(field: string): string {
    return this.#asName(this.take(field), this.#at(field))
  }

  names(field: string, maxLength: number): string[] {
    return this.#list(field, maxLength, this.#asName)
  }

  number(field: string): number {
    return this.#asNumber(this.take(field), this.#at(field))
  }

  numbers(field: string, minLength: number, maxLength = minLength): number[] {
    const values = this.#list(field, maxLength, this.#asNumber)
    return values.length >= minLength ? values : this.fail(field, `${minLength} numbers`, values)
  }

  pair(field: string): [number, number] {
    return this.numbers(field, 2) as [number, number]
  }

  flag(field: string): boolean {
    const value = this.take(field)
    return typeof value === 'boolean' ? value : this.fail(field, 'true or false', value)
  }

  /** Refuses the fields that were not taken. */
  end(): void {
    for (const [field, value] of this.#left) this.fail(field, 'no such field', value)
  }

  fail(field: string, expected: string, found: unknown): never {
    throw formatError(this.#file, this.#at(field), expected, found)
  }

  #at(field: string): string {
    return this.#path === '' ? field : `${this.#path}.${field}`
  }

  #list<T>(field: string, maxLength: number, parse: (value: unknown, place: string) => T): T[] {
    const values = this.take(field)
    if (!Array.isArray(values) || values.length > maxLength) return this.fail(field, `a list of at most ${maxLength}`, values)
    return values.map((value, index) => parse(value, `${this.#at(field)}[${index}]`))
  }

  readonly #asText = (value: unknown, place: string): string => {
    if (typeof value === 'string' && value.length <= maxTextLength && !/\p{Cc}/u.test(value)) return value
    throw formatError(this.#file, place, `a text of at most ${maxTextLength} characters`, value)
  }

  readonly #asName = (value: unknown, place: string): string => {
    if (typeof value === 'string' && /^[\w.:/-]{1,200}$/.test(value)) return value
    throw formatError(this.#file, place, 'a name of letters, digits and _ . : / -', value)
  }

  readonly #asNumber = (value: unknown, place: string): number => {
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw formatError(this.#file, place, 'a number', value)
  }
}

/** A piece of a document, fit to be printed: hostile ones are long or hold control characters. */
export function showJson(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (isObject(value)) return 'an object'
  const text = typeof value === 'string' ? `"${value.slice(0, 80)}"` : String(value)
  return text.replace(/\p{Cc}/gu, '?')
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function formatError(file: string, path: string, expected: string, found: unknown): InferError {
  return new InferError('INFER_GRAPH_FORMAT', `${file}: ${path === '' ? '' : `${path.replace(/\p{Cc}/gu, '?').slice(0, 200)}: `}expected ${expected}, found ${showJson(found)}`, { path: file })
}
