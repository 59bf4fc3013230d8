// What the commands on record files have in common: how figures are shown, and options are read.

import { InvalidArgumentError } from 'commander'
import type { RecordsProgress } from '@millrace/recordio'

/** One JSON document; ids become strings, because they have 64 bits. */
export function jsonLine(value: unknown): string {
  const plain = (_key: string, each: unknown): unknown => (typeof each === 'bigint' ? String(each) : each === Infinity ? 'Infinity' : each)
  return `${JSON.stringify(value, plain, 2)}\n`
}

/** 1234567 → 1,234,567 */
export function grouped(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 1 })
}

/** How far, for a progress line. */
export function share({ bytes, totalBytes }: RecordsProgress): string {
  return totalBytes > 0 ? `${Math.min(100, Math.floor((100 * bytes) / totalBytes))} %` : ''
}

/** An option that is a whole number from 0. */
export function countOption(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 0.')
  return Number(text)
}

/** An option that is a whole number from 1. */
export function positiveOption(text: string): number {
  const count = countOption(text)
  if (count === 0) throw new InvalidArgumentError('Expected a whole number from 1.')
  return count
}

/** An option that is a size: 500000, 64MB (10^6), 1GiB (2^30). */
export function sizeOption(text: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?(?:([kmgt])(i)?)?b?$/i.exec(text)
  const [, number, unit, binary] = match ?? []
  const power = unit === undefined ? 0 : 'kmgt'.indexOf(unit.toLowerCase()) + 1
  const bytes = Math.floor(Number(number) * (binary === undefined ? 1000 : 1024) ** power)
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw new InvalidArgumentError('Expected a size such as 500000, 64MB or 1GiB.')
  return bytes
}
