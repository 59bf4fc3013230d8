// The few parts of opentype.js 2.0.0 that typefaces.ts uses; the package brings no types.
declare module 'opentype.js' {
  export type CurveCommand =
    | { type: 'Q'; x1: number; y1: number; x: number; y: number }
    | { type: 'C'; x1: number; y1: number; x2: number; y2: number; x: number; y: number }
  export type PathCommand = { type: 'M'; x: number; y: number } | { type: 'L'; x: number; y: number } | { type: 'Z' } | CurveCommand
  export interface Glyph {
    readonly advanceWidth: number
    getBoundingBox(): { x1: number; y1: number; x2: number; y2: number }
    getPath(x: number, y: number, fontSize: number): { commands: PathCommand[] }
  }
  export interface Font {
    readonly unitsPerEm: number
    charToGlyph(character: string): Glyph
  }
  const opentype: { parse(buffer: ArrayBuffer): Font }
  export default opentype
}
