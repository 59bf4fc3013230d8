// The bytes of a .meta file, which knows every record of its .rec: little endian, written front to
// back. docs/format.md states it in full.
//
//   magic 89 4d 52 4d 45 54 41 0a · version u32 · header length u32 · header (MessagePack)
//   entries   id u64, offset u64, length u32, CRC-32C u32; a CRC-32C u32 after every 256 and the last
//   order     ordinals u32 by (id, ordinal); a CRC-32C u32 after every 1,024 and the last.
//             Only when the ids do not ascend
//   summary   (MessagePack)
//   footer    64 bytes: offsets, count, bytes of the .rec, checksums
//
// Every byte is under a checksum, and the size of each part follows from the footer, so a reader
// fetches single blocks and can trust them.

import { crc32c } from '@node-rs/crc32'
import { Packr } from 'msgpackr'
import { RecordError } from './errors.js'

export type LabelKind = 'class' | 'values' | 'digits' | 'boxes'

/** What the records mean; known before the first is written. */
export interface MetaHeader {
  readonly labelKind: LabelKind
  /** Numbers in a label: 1 for a class, 6 for digits, 0 where it varies (boxes). */
  readonly labelWidth: number
  /** Name of class i. */
  readonly classNames?: readonly string[]
  /** Options the records were packed with, for whoever wants to know later. */
  readonly pack?: Readonly<Record<string, unknown>>
  /** Name and version of what encoded the images, e.g. `{ libvips: '8.17.3' }`. */
  readonly codecs?: Readonly<Record<string, string>>
}

/** What is known once the last record is written. */
export interface MetaSummary {
  readonly count: number
  /** Inputs that did not become a record. */
  readonly rejected: number
  /** Sum of the encoded images' sizes. */
  readonly imageBytes: number
  /** Records by class, digits by length of the number, boxes by class of each object. */
  readonly labelHistogram?: Readonly<Record<string, number>>
  /** Of the stored pixels, 0 … 255, red green blue. */
  readonly channelMean?: readonly number[]
  readonly channelStd?: readonly number[]
  /** The mean over the images of each one's own mean, at the size it had before it was packed; as above. */
  readonly imageMean?: readonly number[]
  /** Smallest and largest stored image, in pixels. */
  readonly imageWidth?: readonly number[]
  readonly imageHeight?: readonly number[]
  /** Records that hold a grey image in place of one that could not be packed. */
  readonly placeholders?: number
  /** Integer labels that float32 could not hold, so that the record has the nearest it can. */
  readonly roundedLabels?: number
  /** The first 10,000 of each file as they were: [ordinal, place in the label, value]. */
  readonly exactLabels?: readonly (readonly number[])[]
  /** Of a packer: a digest of the source's samples up to the end of this file. */
  readonly samplesDigest?: string
}

export interface MetaFooter {
  readonly entriesOffset: number
  /** 0 when ids ascend and there is no order. */
  readonly orderOffset: number
  readonly summaryOffset: number
  readonly count: number
  /** Size of the .rec. */
  readonly recordsBytes: number
  /** CRC-32C of everything before the entries. */
  readonly headerChecksum: number
  readonly summaryChecksum: number
}

/** How items are grouped under one checksum. */
export interface BlockLayout {
  readonly itemBytes: number
  readonly itemsPerBlock: number
}

export const entryBlocks: BlockLayout = { itemBytes: 24, itemsPerBlock: 256 }
export const orderBlocks: BlockLayout = { itemBytes: 4, itemsPerBlock: 1024 }
export const checksumBytes = 4
export const metaHeadBytes = 16
export const metaFooterBytes = 64

/** Above this a header or summary is damage, not content. */
export const maximumMessageBytes = 64 * 2 ** 20

/** Bytes of `count` items with their block checksums. */
export function blocksBytes({ itemBytes, itemsPerBlock }: BlockLayout, count: number): number {
  return count * itemBytes + Math.ceil(count / itemsPerBlock) * checksumBytes
}

/** A block's items with their checksum behind. */
export function sealBlock(items: Uint8Array): Uint8Array {
  const block = Buffer.allocUnsafe(items.length + checksumBytes)
  block.set(items)
  block.writeUInt32LE(crc32c(items), items.length)
  return block
}

/**
 * Magic, version, and the header as MessagePack.
 *
 * @throws RecordError REC_BAD_VALUE for what a reader would refuse
 */
export function encodeMetaHead(header: MetaHeader): Buffer {
  if (!isMetaHeader(header)) throw new RecordError('REC_BAD_VALUE', 'expected a header with a label kind and a label width from 0, and other fields of the types of MetaHeader')
  const { labelKind, labelWidth, classNames, pack, codecs } = header
  const message = encodeMessage({ labelKind, labelWidth, classNames, pack, codecs })
  const head = Buffer.alloc(metaHeadBytes)
  magic.copy(head)
  head.writeUInt32LE(version, 8)
  head.writeUInt32LE(message.length, 12)
  return Buffer.concat([head, message])
}

/** @throws RecordError REC_BAD_VALUE for what a reader would refuse */
export function encodeSummary(summary: MetaSummary): Buffer {
  if (!isMetaSummary(summary)) throw new RecordError('REC_BAD_VALUE', 'expected a summary whose counts are whole numbers from 0, and other fields of the types of MetaSummary')
  const { count, rejected, imageBytes, labelHistogram, channelMean, channelStd, imageMean, imageWidth, imageHeight, placeholders, roundedLabels, exactLabels, samplesDigest } = summary
  return encodeMessage({ count, rejected, imageBytes, labelHistogram, channelMean, channelStd, imageMean, imageWidth, imageHeight, placeholders, roundedLabels, exactLabels, samplesDigest })
}

export function encodeFooter(footer: MetaFooter): Buffer {
  const bytes = Buffer.alloc(metaFooterBytes)
  const { entriesOffset, orderOffset, summaryOffset, count, recordsBytes } = footer
  for (const [index, value] of [entriesOffset, orderOffset, summaryOffset, count, recordsBytes].entries()) {
    bytes.writeBigUInt64LE(BigInt(value), 8 * index)
  }
  bytes.writeUInt32LE(footer.headerChecksum, 40)
  bytes.writeUInt32LE(footer.summaryChecksum, 44)
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 52)), 52)
  endMark.copy(bytes, 56)
  return bytes
}

/**
 * @param bytes the last 64 bytes of a .meta of `fileBytes` bytes
 * @throws RecordError REC_BAD_META unless the parts it names fill the file exactly
 */
export function decodeFooter(path: string, bytes: Buffer, fileBytes: number): MetaFooter {
  if (!bytes.subarray(56).equals(endMark)) throw badMeta(path, 'expected the end mark in the last 8 bytes, found something else: the file was cut or is no .meta')
  if (crc32c(bytes.subarray(0, 52)) !== bytes.readUInt32LE(52)) throw badMeta(path, 'the checksum of the footer does not match')
  const [entriesOffset, orderOffset, summaryOffset, count, recordsBytes] = [0, 8, 16, 24, 32].map((at) => Number(bytes.readBigUInt64LE(at))) as [number, number, number, number, number]
  const entriesEnd = entriesOffset + blocksBytes(entryBlocks, count)
  const orderEnd = orderOffset === 0 ? entriesEnd : orderOffset + blocksBytes(orderBlocks, count)
  const fits = entriesOffset >= metaHeadBytes && (orderOffset === 0 || orderOffset === entriesEnd) && summaryOffset === orderEnd && summaryOffset + metaFooterBytes <= fileBytes
  if (!fits || !Number.isSafeInteger(recordsBytes)) throw badMeta(path, `the footer (${count} records) does not fit a file of ${fileBytes} bytes`)
  return { entriesOffset, orderOffset, summaryOffset, count, recordsBytes, headerChecksum: bytes.readUInt32LE(40), summaryChecksum: bytes.readUInt32LE(44) }
}

/** @param bytes everything before the entries */
export function decodeMetaHead(path: string, bytes: Buffer, checksum: number): MetaHeader {
  if (!bytes.subarray(0, 8).equals(magic)) throw badMeta(path, 'expected the magic of a .meta file, found something else')
  if (crc32c(bytes) !== checksum) throw badMeta(path, 'the checksum of the header does not match')
  const found = bytes.readUInt32LE(8)
  if (found !== version) throw badMeta(path, `expected version ${version}, found ${found}, written by another release`)
  if (bytes.readUInt32LE(12) !== bytes.length - metaHeadBytes) throw badMeta(path, 'the header has another length than the file says')
  const header = decodeMessage(path, 'header', bytes.subarray(metaHeadBytes))
  if (!isMetaHeader(header)) throw badMeta(path, 'the header lacks a label kind or width, or has a field of another type')
  return header
}

export function decodeSummary(path: string, bytes: Buffer, footer: MetaFooter): MetaSummary {
  if (crc32c(bytes) !== footer.summaryChecksum) throw badMeta(path, 'the checksum of the summary does not match')
  const summary = decodeMessage(path, 'summary', bytes)
  if (!isMetaSummary(summary) || summary.count !== footer.count) throw badMeta(path, 'the summary lacks a count, or has a field of another type')
  return summary
}

/** A .meta is never needed to read a .rec, so the way on is always the same. */
export function badMeta(path: string, fact: string, cause?: unknown): RecordError {
  return new RecordError('REC_BAD_META', `${path}: ${fact}; make it anew with "millrace index", or delete it and open the .rec without it`, { path, cause })
}

const magic = Buffer.from('894d524d4554410a', 'hex')
const endMark = Buffer.from('0a4154454d524d89', 'hex')
const version = 1
const labelKinds: readonly unknown[] = ['class', 'values', 'digits', 'boxes'] satisfies LabelKind[]

/** Plain maps without msgpackr's record extension, in their shortest form: any MessagePack reader takes them. */
const messagePack = new Packr({ useRecords: false, variableMapSize: true })

function encodeMessage(fields: Readonly<Record<string, unknown>>): Buffer {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined)
  try {
    const message = messagePack.pack(Object.fromEntries(present))
    if (message.length <= maximumMessageBytes) return Buffer.from(message)
  } catch (cause) {
    throw new RecordError('REC_BAD_VALUE', `the header or summary cannot be stored as MessagePack: ${String(cause)}`, { cause })
  }
  throw new RecordError('REC_BAD_VALUE', `the header or summary takes more than ${maximumMessageBytes} bytes`)
}

function decodeMessage(path: string, part: string, bytes: Buffer): unknown {
  try {
    return messagePack.unpack(bytes) as unknown
  } catch (cause) {
    throw badMeta(path, `the ${part} is no MessagePack (${String(cause)})`, cause)
  }
}

function isMetaHeader(value: unknown): value is MetaHeader {
  if (!isFields(value)) return false
  const { labelKind, labelWidth, classNames = [], pack = {}, codecs = {} } = value
  return labelKinds.includes(labelKind) && isCount(labelWidth)
    && Array.isArray(classNames) && classNames.every((name) => typeof name === 'string')
    && isFields(pack) && isFields(codecs) && Object.values(codecs).every((codec) => typeof codec === 'string')
}

function isMetaSummary(value: unknown): value is MetaSummary {
  if (!isFields(value)) return false
  const { count, rejected, imageBytes, labelHistogram = {}, channelMean = [], channelStd = [], imageMean = [] } = value
  const { imageWidth = [], imageHeight = [], placeholders = 0, roundedLabels = 0, exactLabels = [], samplesDigest = '' } = value
  return [count, rejected, imageBytes, placeholders, roundedLabels].every(isCount) && isFields(labelHistogram) && Object.values(labelHistogram).every(isCount)
    && [channelMean, channelStd, imageMean, imageWidth, imageHeight].every(isNumbers)
    && Array.isArray(exactLabels) && exactLabels.every(isNumbers) && typeof samplesDigest === 'string'
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((number) => typeof number === 'number')
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
