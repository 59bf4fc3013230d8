// A YOLO data.yaml, of which only this is read: where the parts lie and what the classes are called.
//
//   path: ../coco128                 train: images/train2017        val: [images/a, images/b]
//   names: [person, 'car']     or     names:          or     names:
//                                       - person                0: person
//                                       - car                   1: car
//
// That is a small part of YAML; the rest of the file is passed over, and what these keys hold in any other
// way of writing (anchors, tags, text over several lines) is refused.

import { readFile, stat } from 'node:fs/promises'
import { annotationError, quote } from './annotation-error.js'
import { unreadableSource } from '../providers/image-provider.js'

export interface YoloData {
  /** Where the parts' paths begin. */
  readonly path?: string
  /** train, val, test → folders of images, or lists of them. */
  readonly parts: ReadonlyMap<string, readonly string[]>
  /** Classes by number. */
  readonly names?: readonly string[]
}

const maxFileBytes = 2 ** 24
const wantedKeys = ['path', 'train', 'val', 'test', 'names']

/** A line without its comment: how far it is set in, and its text. */
interface Line {
  readonly number: number
  readonly indent: number
  readonly text: string
}

/** @throws PipelineError PIPE_SOURCE_MISSING, PIPE_ANNOTATION with the line */
export async function readYoloData(file: string): Promise<YoloData> {
  const entries = new Map<string, Line[]>()
  for (const [key, lines] of topLevel(file, toLines(await readText(file)))) {
    if (entries.has(key)) throw annotationError(file, '', `one ${key}`, 'a second')
    entries.set(key, lines)
  }
  const parts = new Map<string, readonly string[]>()
  for (const part of ['train', 'val', 'test']) {
    const values = readValues(file, entries.get(part) ?? [])
    if (values.length > 0) parts.set(part, values.map(({ value }) => value))
  }
  const path = readValues(file, entries.get('path') ?? [])[0]?.value
  const names = readNames(file, entries.get('names') ?? [])
  return { parts, ...(path !== undefined && { path }), ...(names.length > 0 && { names }) }
}

async function readText(file: string): Promise<string> {
  const { size } = await stat(file).catch((cause: unknown) => Promise.reject(unreadableSource(file, cause)))
  if (size > maxFileBytes) throw annotationError(file, '', `at most ${maxFileBytes} bytes`, `${size}`)
  const bytes = await readFile(file).catch((cause: unknown) => Promise.reject(unreadableSource(file, cause)))
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw annotationError(file, '', 'text in UTF-8', 'other bytes', cause)
  }
}

function toLines(text: string): Line[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const plain = withoutComment(line).trimEnd()
    return plain.trim() === '' ? [] : [{ number: index + 1, indent: plain.length - plain.trimStart().length, text: plain.trim() }]
  })
}

/** A # begins a comment after a blank, outside of quotes. */
function withoutComment(line: string): string {
  let quoted = ''
  for (let at = 0; at < line.length; at++) {
    const character = line[at]!
    if (quoted !== '') quoted = character === quoted ? '' : quoted
    else if ((character === '"' || character === "'") && /^$|[\s[,:{-]/.test(line[at - 1] ?? '')) quoted = character
    else if (character === '#' && (at === 0 || /\s/.test(line[at - 1]!))) return line.slice(0, at)
  }
  return line
}

/** The wanted keys with their lines: what follows the colon, and all that is set in below, or listed. */
function* topLevel(file: string, lines: readonly Line[]): Generator<[string, Line[]], void, undefined> {
  let key = ''
  let held: Line[] = []
  for (const line of lines) {
    const isBelow = line.indent > 0 || line.text.startsWith('- ') || line.text === '-' || /^[\]}]/.test(line.text)
    if (isBelow) {
      held.push(line)
      continue
    }
    if (wantedKeys.includes(key)) yield [key, held]
    const found = /^(?:"([^"]*)"|'([^']*)'|([^\s:"']+))\s*:(?:\s+(.*))?$/.exec(line.text)
    if (found === null && !/^(---|\.\.\.|%)/.test(line.text)) throw annotationError(file, `line ${line.number}`, 'a key and a colon', quote(line.text))
    key = found?.[1] ?? found?.[2] ?? found?.[3] ?? ''
    held = found?.[4] ? [{ number: line.number, indent: 0, text: found[4] }] : []
  }
  if (wantedKeys.includes(key)) yield [key, held]
}

interface Value {
  /** In a map. */
  readonly key?: string
  readonly value: string
  readonly line: number
}

function readNames(file: string, lines: readonly Line[]): string[] {
  const values = readValues(file, lines)
  const names: string[] = []
  for (const { key, value, line } of values) {
    const number = key === undefined ? names.length : Number(/^\d{1,6}$/.test(key) ? key : NaN)
    if (!(number < values.length) || names[number] !== undefined) throw annotationError(file, `line ${line}`, `class numbers from 0 to ${values.length - 1}, each once`, quote(key))
    if (value === '') throw annotationError(file, `line ${line}`, 'the name of a class', 'none')
    names[number] = value
  }
  return names
}

/** A single value, a list or a map, in a line or below. */
function readValues(file: string, lines: readonly Line[]): Value[] {
  const [first] = lines
  if (first === undefined) return []
  if (/^[[{]/.test(first.text)) return readFlow(file, lines)
  const isBlock = first.indent > 0 || first.text.startsWith('-')
  if (!isBlock && lines.length > 1) throw annotationError(file, `line ${lines[1]!.number}`, 'a value in one line', 'another line')
  if (!isBlock) return /^(null|~)$/.test(first.text) ? [] : [{ value: readScalar(file, first.number, first.text), line: first.number }]
  return lines.map(({ number, indent, text }) => {
    const listed = /^-\s+(.*)$/.exec(text)
    const mapped = /^["']?(\d+)["']?\s*:\s+(.*)$/.exec(text)
    if (indent !== first.indent || !(listed ?? mapped)) throw annotationError(file, `line ${number}`, '"- value" or "number: value"', quote(text))
    return { ...(listed ? {} : { key: mapped![1]! }), value: readScalar(file, number, (listed?.[1] ?? mapped?.[2])!), line: number }
  })
}

/** A quoted text, or a plain one with the blanks after it. */
const flowItem = /\s*(?:["']?(\d+)["']?\s*:\s+)?("(?:[^"\\]|\\.)*"\s*|'(?:[^']|'')*'\s*|[^,[\]{}"'\s][^,[\]{}"']*)(?:,\s*|$)/y

/** [a, 'b'] or {0: a, 1: b}, over one line or several. */
function readFlow(file: string, lines: readonly Line[]): Value[] {
  const line = lines[0]!.number
  const text = lines.map((each) => each.text).join(' ')
  const isMap = text.startsWith('{')
  if (!text.endsWith(isMap ? '}' : ']')) throw annotationError(file, `line ${line}`, `a list that ends with ${isMap ? '}' : ']'}`, quote(text.slice(-50)))
  const inner = text.slice(1, -1).trim()
  const values: Value[] = []
  flowItem.lastIndex = 0
  while (flowItem.lastIndex < inner.length) {
    const place = flowItem.lastIndex
    const [, key, value] = flowItem.exec(inner) ?? []
    if (value === undefined || (key !== undefined) !== isMap) throw annotationError(file, `line ${line}`, isMap ? 'numbers and names' : 'names between commas', quote(inner.slice(place, place + 50)))
    values.push({ ...(key !== undefined && { key }), value: readScalar(file, line, value.trim()), line })
  }
  return values
}

function readScalar(file: string, line: number, text: string): string {
  if (/^'(?:[^']|'')*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'")
  if (/^"[^"\\]*"$/.test(text)) return text.slice(1, -1)
  if (/^["'&*!|>%@`[{]/.test(text)) throw annotationError(file, `line ${line}`, 'a value, plain or in quotes', quote(text))
  return text
}
