// Numbers on the command line, for every command alike.

import { InvalidArgumentError } from 'commander'

/** A whole number from 1. */
export function parseCount(text: string): number {
  return parseDigits(text, 1)
}

/** A whole number from 0. */
export function parseWhole(text: string): number {
  return parseDigits(text, 0)
}

/** A number from 0 to below 1. */
export function parseShare(text: string): number {
  const share = Number(text)
  if (text.trim() === '' || !(share >= 0 && share < 1)) throw new InvalidArgumentError('Expected a share from 0 to below 1, such as 0.1.')
  return share
}

/** A size in bytes: 500000, 64MB (10^6), 1GiB (2^30). */
export function parseBytes(text: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?(?:([kmgt])(i)?)?b?$/i.exec(text)
  const [, number, unit, binary] = match ?? []
  const power = unit === undefined ? 0 : 'kmgt'.indexOf(unit.toLowerCase()) + 1
  const bytes = Math.floor(Number(number) * (binary === undefined ? 1000 : 1024) ** power)
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw new InvalidArgumentError('Expected a size such as 500000, 64MB or 1GiB.')
  return bytes
}

/** Fifteen digits are exact in a double. */
function parseDigits(text: string, least: number): number {
  const value = Number(text)
  if (!/^\d{1,15}$/.test(text) || value < least) throw new InvalidArgumentError(`Expected a whole number from ${least}.`)
  return value
}
