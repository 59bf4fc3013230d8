// How far two answers are apart.

/** Largest difference of any value of any output, relative to the range of that output; NaN if one is not there. */
export function largestError(expected, found) {
  const values = new Map(found)
  return Math.max(...expected.map(([name, wanted]) => {
    const got = values.get(name)
    if (got?.length !== wanted.length) return NaN
    const range = wanted.reduce((most, value) => Math.max(most, value), -Infinity) - wanted.reduce((least, value) => Math.min(least, value), Infinity)
    return wanted.reduce((most, value, index) => Math.max(most, Math.abs(value - got[index])), 0) / range
  }))
}
