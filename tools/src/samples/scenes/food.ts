// Food, seen from above or aside. One unit is about half its size; its centre is the origin.

import type { Colour } from '../canvas.js'
import { near, part, pickColour, shade, type Figure, type Part } from '../figure.js'
import { between, chance, type Random } from '../random.js'
import { arc, ellipse, polygon, rectangle, regular, rounded, stroke, type Point } from '../shapes.js'

export type Food = keyof typeof foods

/** Each draws another one every time. */
export const foods = { apple, banana, carrot, cookie, doughnut, grape, 'ice cream': iceCream, orange, pineapple, strawberry, watermelon } as const satisfies Record<string, (random: Random) => Figure>

/** The kinds, sorted. */
export const foodNames = Object.keys(foods).sort() as Food[]

function apple(random: Random, colour: Colour = pickColour(random, [[186, 30, 36], [126, 168, 52], [214, 178, 70]], 18)): Figure {
  return [
    part(colour, polygon(rounded([[0, -0.66], [0.55, -0.88], [1, -0.3], [0.7, 0.72], [0.3, 0.96], [0, 0.84], [-0.3, 0.96], [-0.7, 0.72], [-1, -0.3], [-0.55, -0.88]], 2, 0.2))),
    { ...part(shade(colour, 0.7), polygon(rounded([[0.4, -0.75], [1, -0.3], [0.7, 0.72], [0.3, 0.96], [0.55, 0.3]], 2))), opacity: 0.5 },
    ...gloss(-0.45, -0.35, 0.2),
    part([88, 60, 36], ...stroke([[0, -0.62], [0.06, -0.85], [0.14, -1.05]], 0.09)),
    ...(chance(random, 0.5) ? [part([70, 120, 48], ellipse(0.36, -0.92, 0.26, 0.11, -0.4))] : []),
  ]
}

/** As drawn for classes that are an apple of one colour. */
export function greenApple(random: Random): Figure {
  return apple(random, near(random, [138, 178, 62], 16))
}

function banana(random: Random): Figure {
  const colour = pickColour(random, [[236, 204, 66], [214, 196, 80], [196, 176, 60]], 16)
  const bend = between(random, 0.7, 1)
  const outer = arc(0, -0.75 * bend, 1.1, 1.3 * bend, 0.25, Math.PI - 0.25)
  const inner = arc(0, -0.95 * bend, 0.95, 1.0 * bend, Math.PI - 0.3, 0.3)
  const spots = Array.from({ length: Math.floor(between(random, 0, 5)) }, () => ellipse(between(random, -0.5, 0.5), 0.25 * bend, 0.05, 0.03))
  return [
    part(colour, polygon([...outer, ...inner])),
    part(shade(colour, 0.78), ...stroke(arc(0, -0.85 * bend, 1.02, 1.17 * bend, 0.4, Math.PI - 0.4), 0.035)),
    part([74, 58, 32], ...stroke([outer[0]!, [outer[0]![0] + 0.06, outer[0]![1] - 0.16]], 0.12), ellipse(outer.at(-1)![0], outer.at(-1)![1], 0.07), ...spots),
  ]
}

function carrot(random: Random): Figure {
  const colour = near(random, [230, 120, 36], 18)
  const rings = [-0.3, 0.05, 0.4].map((y) => stroke([[-0.18 + y * 0.1, y], [between(random, 0, 0.1), y + 0.02]], 0.035)).flat()
  const leaves = [-0.5, -0.2, 0.15, 0.5].flatMap((lean) => stroke([[0, -0.6], [lean * 0.6, -0.9], [lean, -1.2]], 0.09))
  return [part(near(random, [72, 136, 56], 20), ...leaves), part(colour, polygon(rounded([[-0.34, -0.6], [0.34, -0.6], [0.26, 0], [0.06, 1.1], [-0.06, 1.1], [-0.26, 0]], 2))), part(shade(colour, 0.78), ...rings)]
}

function cookie(random: Random): Figure {
  const colour = pickColour(random, [[196, 146, 88], [164, 112, 62], [112, 76, 46]], 14)
  const rim = rounded(regular(11, 1).map(([x, y]): Point => [x * between(random, 0.9, 1.06), y * between(random, 0.9, 1.06)]), 2)
  const chips = scatter(random, Math.floor(between(random, 6, 12)), 0.76, 0.09)
  return [part(shade(colour, 0.8), polygon(rim)), part(colour, ellipse(0, 0, 0.88)), part(colour[0] > 130 ? [60, 38, 26] : [222, 200, 170], ...chips)]
}

function doughnut(random: Random): Figure {
  const icing = pickColour(random, [[232, 140, 170], [84, 52, 36], [238, 226, 206], [150, 190, 220]], 16)
  const crumb: Colour = near(random, [206, 158, 98], 14)
  const hole = [...arc(0, 0, 0.34, 0.34, 2 * Math.PI, 0)].slice(1) // the other way round: a counter
  const sprinkles = Array.from({ length: 16 }, () => {
    const [angle, radius] = [random() * 2 * Math.PI, between(random, 0.48, 0.82)]
    const [x, y, lean] = [radius * Math.cos(angle), radius * Math.sin(angle), random() * Math.PI]
    return part(pickColour(random, [[240, 80, 80], [80, 160, 240], [250, 220, 80], [250, 250, 250], [120, 200, 110]], 10), ...stroke([[x, y], [x + 0.1 * Math.cos(lean), y + 0.1 * Math.sin(lean)]], 0.05))
  })
  return [part(crumb, ellipse(0, 0, 1), polygon(hole)), part(icing, polygon(rounded(regular(12, 0.93).map(([x, y]): Point => [x * between(random, 0.92, 1.02), y * between(random, 0.92, 1.02)]), 2)), polygon(hole)), ...(chance(random, 0.7) ? sprinkles : [])]
}

function grape(random: Random): Figure {
  const colour = pickColour(random, [[92, 44, 96], [64, 40, 92], [156, 182, 84], [128, 40, 60]], 14)
  const rows = [4, 5, 4, 3, 2, 1]
  const berries = rows.flatMap((count, row) => Array.from({ length: count }, (_, place): Part[] => {
    const [x, y] = [(place - (count - 1) / 2) * 0.4 + between(random, -0.05, 0.05), -0.55 + row * 0.33 + between(random, -0.04, 0.04)]
    return [part(shade(colour, between(random, 0.75, 1.15)), ellipse(x, y, 0.24)), ...gloss(x - 0.07, y - 0.07, 0.06)]
  }))
  return [part([96, 78, 48], ...stroke([[0, -0.6], [0.05, -1], [0.2, -1.1]], 0.08)), ...berries.flat()]
}

function iceCream(random: Random): Figure {
  const flavours: readonly Colour[] = [[244, 232, 204], [226, 150, 166], [98, 62, 44], [176, 214, 170], [240, 200, 110]]
  const scoops = Math.floor(between(random, 1, 3.99))
  const balls = Array.from({ length: scoops }, (_, ball): Part[] => {
    const [x, y] = scoops === 3 ? [[-0.3, 0.3, 0][ball]!, [-0.25, -0.25, -0.68][ball]!] : [0, -0.22 - ball * 0.5]
    return [part(pickColour(random, flavours, 10), ellipse(x, y, 0.42, 0.4)), ...gloss(x - 0.14, y - 0.14, 0.09)]
  })
  const cone = near(random, [212, 160, 94], 14)
  const lines = [-0.25, 0, 0.25].flatMap((x) => [...stroke([[x, 0.02], [x * 0.3 + 0.12, 0.62]], 0.025), ...stroke([[x, 0.02], [x * 0.3 - 0.12, 0.62]], 0.025)])
  return [part(cone, polygon([[-0.42, 0], [0.42, 0], [0.04, 1.15], [-0.04, 1.15]])), part(shade(cone, 0.76), ...lines), ...balls.flat(), part(shade(cone, 0.88), rectangle(-0.44, -0.03, 0.44, 0.06))]
}

function orange(random: Random): Figure {
  const colour = near(random, [236, 138, 34], 16)
  if (chance(random, 0.35)) {
    const slices = regular(9, 0.72).map(([x, y]) => polygon(rounded([[x * 0.15, y * 0.15], [x * 0.9 - y * 0.26, y * 0.9 + x * 0.26], [x * 1.04, y * 1.04], [x * 0.9 + y * 0.26, y * 0.9 - x * 0.26]], 1)))
    return [part(colour, ellipse(0, 0, 1)), part([250, 236, 206], ellipse(0, 0, 0.88)), part(shade(colour, 1.06), ...slices)]
  }
  return [part(colour, ellipse(0, 0, 1, between(random, 0.93, 1))), { ...part(shade(colour, 0.72), ellipse(0.25, 0.25, 0.7)), opacity: 0.35 }, part(shade(colour, 0.85), ...scatter(random, 14, 0.85, 0.025)), ...gloss(-0.4, -0.4, 0.18), part([80, 104, 50], ...[0, 1, 2, 3, 4].map((leaf) => ellipse(0.07 * Math.cos(leaf * 1.26) + 0.1, 0.07 * Math.sin(leaf * 1.26) - 0.6, 0.07, 0.04, leaf * 1.26)))]
}

function pineapple(random: Random): Figure {
  const colour = near(random, [206, 150, 52], 16)
  const green = near(random, [74, 122, 62], 16)
  const leaves = [-0.9, -0.55, -0.2, 0.2, 0.55, 0.9].map((lean) => polygon([[lean * 0.25 - 0.12, -0.42], [lean * 0.8, -1.3 + Math.abs(lean) * 0.35], [lean * 0.25 + 0.12, -0.42]]))
  const lines = [-0.9, -0.5, -0.1, 0.3, 0.7, 1.1].flatMap((y) => [...stroke([[-0.5, y], [0.5, y + 0.5]], 0.035), ...stroke([[0.5, y], [-0.5, y + 0.5]], 0.035)])
  return [part(green, ...leaves), part(colour, ellipse(0, 0.3, 0.58, 0.78)), part(shade(colour, 0.66), ...lines.map((contour) => Array.from(contour, (value, place) => (place % 2 === 0 ? value * 0.86 : Math.min(0.96, Math.max(-0.34, value * 0.85 + 0.05))))))]
}

function strawberry(random: Random): Figure {
  const colour = near(random, [206, 34, 44], 16)
  const seeds = scatter(random, 16, 0.6, 0.035).map((seed) => Array.from(seed, (value, place) => (place % 2 === 0 ? value : value + 0.05)))
  const leaves = regular(7, 0.5, -Math.PI / 2, 0.2).map(([x, y]): Point => [x, y * 0.5 - 0.72])
  return [part(colour, polygon(rounded([[-0.45, -0.85], [0.45, -0.85], [0.9, -0.4], [0.55, 0.5], [0, 1.15], [-0.55, 0.5], [-0.9, -0.4]], 2, 0.2))), part([244, 214, 120], ...seeds), part([66, 130, 56], polygon(leaves)), ...gloss(-0.4, -0.3, 0.13)]
}

function watermelon(random: Random): Figure {
  const rind = near(random, [60, 120, 58], 18)
  const flesh = near(random, [218, 66, 72], 16)
  const half = (radius: number): Point[] => arc(0, -0.35, radius, radius, 0, Math.PI)
  const seeds = Array.from({ length: 11 }, () => {
    const [angle, radius] = [between(random, 0.2, Math.PI - 0.2), between(random, 0.25, 0.72)]
    return ellipse(radius * Math.cos(angle), -0.35 + radius * Math.sin(angle), 0.035, 0.06, angle + 1.57)
  })
  return [part(rind, polygon(half(1.1))), part([226, 236, 200], polygon(half(0.98))), part(flesh, polygon(half(0.9))), part([34, 24, 22], ...seeds)]
}

function gloss(x: number, y: number, size: number): Part[] {
  return [{ ...part([255, 255, 255], ellipse(x, y, size, size * 0.7, -0.6)), opacity: 0.45 }]
}

function scatter(random: Random, count: number, reach: number, size: number): ReturnType<typeof ellipse>[] {
  return Array.from({ length: count }, () => {
    const [angle, radius] = [random() * 2 * Math.PI, reach * Math.sqrt(random())]
    return ellipse(radius * Math.cos(angle), radius * Math.sin(angle), size * between(random, 0.8, 1.3), size, random() * 3)
  })
}
