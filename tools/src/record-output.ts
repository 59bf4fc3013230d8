// What the commands on record files have in common: how figures are shown.

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
