// The elements of one name in an XML file, one after the other, however long the file: through sax, in strict
// mode. Nothing is expanded but the five entities of XML itself and characters by number; a document type that
// declares anything is refused.

import sax, { type SAXParser } from 'sax'
import type { PipelineError } from '../errors.js'
import { annotationError, quote } from './annotation-error.js'
import { findInvalidUtf8, readChunks } from './file-chunks.js'

export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  /** All text directly in it, without blanks around. */
  readonly text: string
  readonly children: readonly XmlElement[]
  /** Of its start tag, from 1. */
  readonly line: number
}

const maxDepth = 64
/** Of one element and all within it: elements, attributes, characters of text. */
const maxParts = 2 ** 20
const maxText = 2 ** 24
const maxAttributes = 100

/**
 * The elements of that name; those within one of them are its children. Memory: an element, at most the
 * 1,048,576 parts and 16 MB of text that one may have.
 *
 * Bytes are read as UTF-8; a file that is none, as the ISO-8859-1 or Windows-1252 that it must declare then
 * (imglab writes UTF-8 and declares ISO-8859-1).
 * @throws PipelineError PIPE_ANNOTATION with the line, PIPE_SOURCE_MISSING, PIPE_ABORTED
 */
export async function* readXmlElements(path: string, name: string, options: { readonly signal?: AbortSignal | undefined } = {}): AsyncGenerator<XmlElement, void, undefined> {
  const decoder = new TextDecoder(await findEncoding(path, options.signal), { fatal: true })
  const reader = new ElementReader(path, name)
  for await (const chunk of readChunks(path, options.signal)) {
    reader.write(decoder.decode(chunk, { stream: true }))
    yield* reader.take()
  }
  reader.close()
  yield* reader.take()
}

/** The first child of that name. */
export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name)
}

/** The encoding to decode with: what is UTF-8 throughout is that, whatever the file declares. */
async function findEncoding(path: string, signal: AbortSignal | undefined): Promise<'utf-8' | 'windows-1252'> {
  const declared = await declaredEncoding(path, signal)
  if (!/^(utf-?8|us-ascii|iso-8859-1|windows-1252)$/i.test(declared)) throw annotationError(path, 'line 1', 'text in UTF-8', `${quote(declared)} declared`)
  const line = await findInvalidUtf8(path, signal)
  if (line === undefined) return 'utf-8'
  if (/^(iso-8859-1|windows-1252)$/i.test(declared)) return 'windows-1252'
  throw annotationError(path, `line ${line}`, 'text in UTF-8', 'other bytes')
}

async function declaredEncoding(path: string, signal: AbortSignal | undefined): Promise<string> {
  for await (const chunk of readChunks(path, signal)) {
    return /^(?:\xef\xbb\xbf)?<\?xml[^>]*\sencoding\s*=\s*["']([^"']*)["']/.exec(chunk.toString('latin1', 0, 200))?.[1] ?? 'UTF-8'
  }
  return 'UTF-8'
}

/** An element that is still open. */
interface OpenElement extends XmlElement {
  text: string
  readonly children: XmlElement[]
}

/** (An option that the types leave out.) */
const onlyOwnEntities: object = { strictEntities: true }

class ElementReader {
  readonly #path: string
  readonly #name: string
  readonly #parser: SAXParser
  /** The wanted element in work and those open within it. */
  readonly #open: OpenElement[] = []
  #whole: XmlElement[] = []
  #depth = 0
  #parts = 0
  #textLength = 0
  #attributes = 0
  #sawElement = false

  constructor(path: string, name: string) {
    this.#path = path
    this.#name = name
    this.#parser = sax.parser(true, onlyOwnEntities)
    this.#parser.onerror = (error) => { throw this.#wrong('well-formed XML', error.message.split('\n')[0]!, error) }
    this.#parser.ondoctype = (text) => { if (/\[|<!/.test(text)) throw this.#wrong('no declarations in the document type', JSON.stringify(text.slice(0, 100))) }
    this.#parser.onattribute = () => { if (++this.#attributes > maxAttributes) throw this.#wrong(`at most ${maxAttributes} attributes`, 'more') }
    this.#parser.onopentag = (tag) => this.#begin(tag.name, tag.attributes as Record<string, string>)
    this.#parser.onclosetag = () => this.#end()
    this.#parser.ontext = (text) => this.#addText(text)
    this.#parser.oncdata = (text) => this.#addText(text)
  }

  write(text: string): void {
    this.#parser.write(text)
  }

  /** @throws PipelineError PIPE_ANNOTATION where the file is cut short or empty */
  close(): void {
    this.#parser.close()
    if (!this.#sawElement) throw annotationError(this.#path, '', 'an XML document', 'no element')
  }

  /** The elements that have ended since the last call. */
  take(): XmlElement[] {
    const whole = this.#whole
    this.#whole = []
    return whole
  }

  #begin(name: string, attributes: Record<string, string>): void {
    this.#sawElement = true
    this.#attributes = 0
    if (++this.#depth > maxDepth) throw this.#wrong(`elements within elements at most ${maxDepth} deep`, 'more')
    if (this.#open.length === 0 && name !== this.#name) return
    this.#parts += 1 + Object.keys(attributes).length
    if (this.#parts > maxParts) throw this.#wrong(`at most ${maxParts} parts within a <${this.#name}>`, 'more')
    const element: OpenElement = { name, attributes, text: '', children: [], line: this.#parser.line + 1 }
    this.#open.at(-1)?.children.push(element)
    this.#open.push(element)
  }

  #end(): void {
    this.#depth--
    const element = this.#open.pop()
    if (element === undefined) return
    element.text = element.text.trim()
    if (this.#open.length > 0) return
    this.#whole.push(element)
    this.#parts = 0
    this.#textLength = 0
  }

  #addText(text: string): void {
    const element = this.#open.at(-1)
    if (element === undefined) return
    this.#textLength += text.length
    if (this.#textLength > maxText) throw this.#wrong(`at most ${maxText} characters within a <${this.#name}>`, 'more')
    element.text += text
  }

  #wrong(expected: string, found: string, cause?: unknown): PipelineError {
    return annotationError(this.#path, `line ${this.#parser.line + 1}`, expected, found, cause)
  }
}
