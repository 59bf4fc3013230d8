// Colour to grey and CMYK to RGB, with the rounding of the libraries behind OpenCV's imread. All weigh
// R, G, B by 0.299, 0.587, 0.114 in fixed point, each with its own number of bits.

/** How one pixel becomes grey. */
export type GreyFormula = (red: number, green: number, blue: number) => number

/** libjpeg's, for a JPEG that stores RGB (jdcolor.c); of YCbCr it takes the Y that is stored. */
export const greyOfJpeg: GreyFormula = (red, green, blue) => (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16

/** OpenCV's own, for formats whose library gives RGB only (cvtColor). */
export const greyOfOthers: GreyFormula = (red, green, blue) => (red * 9798 + green * 19235 + blue * 3735 + 16384) >> 15

/**
 * libpng's (png_set_rgb_to_gray), for pixels of 8 or 16 bits, of which the upper 8 remain. Grey pixels
 * stay as they are; where the file tells its gamma (100,000 / gamma, else 0) the sum is formed of the
 * linear values, of 16-bit pixels through a table for their upper 11 bits.
 */
export function greyOfPng(gamma: number, bits: 8 | 16): GreyFormula {
  const isSignificant = gamma !== 0 && Math.abs(gamma - 100000) > 5000
  const rounding = isSignificant || bits === 16 ? 16384 : 0 // plain 8-bit sums are cut, as libpng does
  const mix: GreyFormula = (red, green, blue) => (red * 9797 + green * 19234 + blue * 3737 + rounding) >>> 15
  const toLinear = gammaFunction(1e5 / gamma, bits)
  const fromLinear = gammaFunction(gamma / 1e5, bits)
  const blend: GreyFormula = isSignificant ? (red, green, blue) => fromLinear(mix(toLinear(red), toLinear(green), toLinear(blue))) : mix
  return (red, green, blue) => (red === green && red === blue ? red : blend(red, green, blue)) >> (bits - 8)
}

/** RGB pixels to one byte each. */
export function toGrey(rgb: Uint8Array | Uint16Array, formula: GreyFormula): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3)
  for (let at = 0; at < grey.length; at++) grey[at] = formula(rgb[3 * at]!, rgb[3 * at + 1]!, rgb[3 * at + 2]!)
  return grey
}

/** One channel of several. */
export function takeChannel(pixels: Uint8Array, channels: number, channel: number): Uint8Array {
  const taken = new Uint8Array(pixels.length / channels)
  for (let at = 0; at < taken.length; at++) taken[at] = pixels[at * channels + channel]!
  return taken
}

/** CMYK as printing stores it in JPEG files (255 is no ink) to RGB, as OpenCV does. */
export function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3)
  for (let from = 0, to = 0; from < cmyk.length; from += 4, to += 3) {
    const black = cmyk[from + 3]!
    for (let channel = 0; channel < 3; channel++) rgb[to + channel] = black - (((255 - cmyk[from + channel]!) * black) >> 8)
  }
  return rgb
}

/** OpenCV's for CMYK, after {@link cmykToRgb}. */
export const greyOfCmyk: GreyFormula = (red, green, blue) => (red * 4899 + green * 9617 + blue * 1868 + 8192) >> 14

/** value ^ exponent on the scale of 8 or 16 bits. */
function gammaFunction(exponent: number, bits: 8 | 16): (value: number) => number {
  const [shift, inMax, outMax] = bits === 8 ? [0, 255, 255] : [5, 2047, 65535]
  const table = Uint16Array.from({ length: inMax + 1 }, (_, value) => Math.floor(outMax * (value / inMax) ** exponent + 0.5))
  return (value) => table[value >> shift]!
}
