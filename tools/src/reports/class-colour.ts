// A colour for each class, the same in every picture and page: eight that are far from each other, then
// steps of the golden angle around the colour circle, so that neighbours differ however many there are.

const first: readonly string[] = ['#ff5a4f', '#3fb8ff', '#8fdc3a', '#ffc42e', '#d987ff', '#2fe0c0', '#ff8f2b', '#ff7fc0']

const goldenAngle = 137.50776405

/** #rrggbb, light enough for black text. */
export function classColour(number: number): string {
  const known = first[number]
  if (known !== undefined) return known
  if (!Number.isFinite(number)) return '#cccccc'
  return hslToHex((number * goldenAngle) % 360, 0.9, 0.68 + 0.1 * Math.abs(number % 2))
}

/** hue in degrees, saturation and lightness 0..1: CSS Color 4, 7.1. */
function hslToHex(hue: number, saturation: number, lightness: number): string {
  const reach = saturation * Math.min(lightness, 1 - lightness)
  const channel = (start: number): string => {
    const k = (start + Math.abs(hue) / 30) % 12
    const value = lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1))
    return Math.round(255 * value).toString(16).padStart(2, '0')
  }
  return `#${channel(0)}${channel(8)}${channel(4)}`
}
