// Outlines that figures are made of, as coverage.ts fills them: closed lines, x to the right, y down.

import type { Contour } from './coverage.js'

export type Point = readonly [x: number, y: number]

/** The closed line through these points. */
export function polygon(points: readonly Point[]): Contour {
  return points.flat()
}

/** The rectangle between these edges. */
export function rectangle(left: number, top: number, right: number, bottom: number): Contour {
  return [left, top, right, top, right, bottom, left, bottom]
}

/** An ellipse around (x, y), turned by `angle`. */
export function ellipse(x: number, y: number, across: number, down = across, angle = 0): Contour {
  return polygon(turned(arc(0, 0, across, down, 0, 2 * Math.PI).slice(1), x, y, angle))
}

/** Points of an ellipse from one angle to another (0 is to the right, then downwards): a line to stroke. */
export function arc(x: number, y: number, across: number, down: number, from: number, to: number): Point[] {
  const steps = Math.max(6, Math.ceil((Math.abs(to - from) / (2 * Math.PI)) * 28))
  return Array.from({ length: steps + 1 }, (_, step) => {
    const angle = from + ((to - from) * step) / steps
    return [x + across * Math.cos(angle), y + down * Math.sin(angle)] as const
  })
}

/** A regular polygon, its first corner at `angle`; with `inner`, a star of as many points. */
export function regular(corners: number, radius: number, angle = -Math.PI / 2, inner?: number): Point[] {
  const count = inner === undefined ? corners : 2 * corners
  return Array.from({ length: count }, (_, corner) => {
    const size = inner !== undefined && corner % 2 === 1 ? inner : radius
    const at = angle + (2 * Math.PI * corner) / count
    return [size * Math.cos(at), size * Math.sin(at)] as const
  })
}

/** The closed line with its corners cut again and again until it is round (Chaikin 1974). */
export function rounded(points: readonly Point[], rounds = 2, cut = 0.25): Point[] {
  let line = [...points]
  for (let round = 0; round < rounds; round++) {
    line = line.flatMap(([x, y], place) => {
      const [nextX, nextY] = line[(place + 1) % line.length]!
      return [[x + (nextX - x) * cut, y + (nextY - y) * cut] as const, [nextX - (nextX - x) * cut, nextY - (nextY - y) * cut] as const]
    })
  }
  return line
}

/** A line of `thickness` through the points, with round ends and joints. */
export function stroke(points: readonly Point[], thickness: number): Contour[] {
  const radius = thickness / 2
  const discs = points.map(([x, y]) => polygon(turned(regular(10, radius, 0), x, y, 0)))
  const pieces = points.slice(1).flatMap(([x, y], place) => {
    const [fromX, fromY] = points[place]!
    const length = Math.hypot(x - fromX, y - fromY)
    if (length === 0) return []
    const [acrossX, acrossY] = [((y - fromY) / length) * radius, ((fromX - x) / length) * radius]
    return [[fromX + acrossX, fromY + acrossY, x + acrossX, y + acrossY, x - acrossX, y - acrossY, fromX - acrossX, fromY - acrossY]]
  })
  return [...discs, ...pieces] // all of them run the same way round, so that overlaps stay filled
}

/** Points turned by `angle` around the origin, then moved. */
export function turned(points: readonly Point[], x: number, y: number, angle: number): Point[] {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)]
  return points.map(([across, down]) => [x + across * cosine - down * sine, y + across * sine + down * cosine] as const)
}
