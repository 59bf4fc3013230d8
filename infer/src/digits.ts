// From the probabilities of a multi-digit network to the number that it reads.
//
// Goodfellow et al., "Multi-digit number recognition from Street View imagery", 2014, section 4: the
// length L and the digits d1 … are independent given the image, so the most probable sequence is the L
// with the largest P(L) · ∏ max P(di), i ≤ L, and that product is its probability. The length head ends
// with "more than the heads can hold"; such a number is answered by the digits there are, then "…".

import { InferError } from './errors.js'

export interface DigitReading {
  /** The digits from left to right; ends with "…" where there are more than the network has heads for. */
  readonly digits: string
  /** The length as the network gave it: one more than its heads where there are more digits. */
  readonly length: number
  /** That the whole sequence is right. */
  readonly probability: number
  /** The probability of each digit read. */
  readonly perDigit: readonly number[]
}

/**
 * The most probable number.
 * @param lengthProbabilities of the lengths 0, 1, … number of heads, and more.
 * @param digitProbabilities for each head, of 0 … 9 and, not used here, blank.
 * @throws InferError INFER_NOT_FINITE if a probability is NaN or infinite.
 */
export function decodeDigits(lengthProbabilities: ArrayLike<number>, digitProbabilities: readonly ArrayLike<number>[]): DigitReading {
  const best = digitProbabilities.map(bestDigit)
  let length = 0
  let probability = -Infinity
  let sequence = 1
  for (let candidate = 0; candidate < lengthProbabilities.length; candidate++) {
    if (candidate > 0) sequence *= best[candidate - 1]?.probability ?? 1
    const joint = lengthProbabilities[candidate]! * sequence
    if (!Number.isFinite(joint)) throw notFinite('the length')
    if (joint > probability) [length, probability] = [candidate, joint]
  }
  const read = best.slice(0, length)
  return {
    digits: read.map(({ digit }) => digit).join('') + (length > best.length ? '…' : ''),
    length,
    probability,
    perDigit: read.map((digit) => digit.probability),
  }
}

function bestDigit(probabilities: ArrayLike<number>, head: number): { digit: number; probability: number } {
  const digits = Array.from({ length: 10 }, (_, digit) => probabilities[digit] ?? NaN)
  if (!digits.every(Number.isFinite)) throw notFinite(`digit ${head + 1}`)
  const probability = Math.max(...digits)
  return { digit: digits.indexOf(probability), probability }
}

function notFinite(head: string): InferError {
  return new InferError('INFER_NOT_FINITE', `the probabilities of ${head} are not all finite numbers; the network's weights are no use, or its input was not finite`)
}
