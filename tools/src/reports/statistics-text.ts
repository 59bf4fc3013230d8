// The statistics of a data set in words, for a terminal.

import type { ClassCount, DataStatistics, Rejection } from './data-statistics.js'
import type { Spread } from './distribution.js'
import { grouped } from '../record-output.js'

const shownClasses = 20
const barLength = 24

/** The most frequent first; equal ones by number. */
export function rankClasses(classes: readonly ClassCount[]): ClassCount[] {
  return [...classes].sort((a, b) => b.count - a.count || a.class - b.class)
}

/** A line each. */
export function describeStatistics(statistics: DataStatistics): string[] {
  const { samples, labelKind, rejected, rejections, rejectedWhenPacked, rejectionsWhenPacked = [], clamped, ignored, width, height } = statistics
  return [
    `samples   ${grouped(samples)}, labels of kind ${labelKind}`,
    ...(rejected > 0 ? [`rejected  ${grouped(rejected)} cannot be read:`, ...rejections.map(describeRejection)] : ['rejected  0']),
    ...(rejectedWhenPacked === undefined ? [] : [`packing   ${grouped(rejectedWhenPacked)} inputs were rejected`, ...rejectionsWhenPacked.map(describeRejection)]),
    ...(clamped > 0 ? [`clamped   ${grouped(clamped)} have boxes that reached past the image`] : []),
    ...Object.entries(ignored).map(([reason, count]) => `ignored   ${reason}: ${grouped(count)}`),
    ...(width && height ? [`width     ${spread(width)} pixels`, `height    ${spread(height)} pixels`] : []),
    ...classLines(statistics),
    ...digitLines(statistics),
    ...boxLines(statistics),
    ...channelLines(statistics),
  ]
}

function describeRejection({ code, count, example }: Rejection): string {
  return `  ${grouped(count)} ${code}, the first: ${example}`
}

function classLines({ classes, labelKind }: DataStatistics): string[] {
  if (!classes) return []
  const ranked = labelKind === 'digits' ? classes : rankClasses(classes)
  const rest = ranked.slice(shownClasses)
  const what = labelKind === 'digits' ? 'digits' : labelKind === 'boxes' ? 'boxes of each class' : 'samples of each class'
  const counts = ranked.slice(0, shownClasses).map(({ name, count }): readonly [string, number] => [name, count])
  const others = rest.length > 0 ? [`  … and ${grouped(rest.length)} more with ${grouped(rest.reduce((sum, { count }) => sum + count, 0))} together (--json lists all)`] : []
  return [`classes   ${grouped(classes.length)}; ${what}:`, ...histogram(counts, ranked.reduce((sum, { count }) => sum + count, 0)), ...others]
}

function digitLines({ lengths, slope }: DataStatistics): string[] {
  const measured = slope?.reduce((sum, { count }) => sum + count, 0) ?? 0
  const flat = slope?.filter(({ from }) => Math.abs(from + 1.5) <= 3).reduce((sum, { count }) => sum + count, 0) ?? 0
  return [
    ...(lengths ? ['length    images by number of digits:', ...histogram(Object.entries(lengths))] : []),
    ...(slope ? [`slope     ${slope[0]!.from}° to ${slope.at(-1)!.from + 3}°, ${((100 * flat) / measured).toFixed(1)} % within 4.5° of flat (positive falls to the right)`] : []),
  ]
}

function boxLines({ boxes, labelKind }: DataStatistics): string[] {
  if (!boxes || boxes.count === 0) return []
  const { count, ignored, inverted, perSample, width, height, share, aspect } = boxes
  const [least, most] = [Object.keys(perSample)[0]!, Object.keys(perSample).at(-1)!]
  const what = labelKind === 'digits' ? 'digits' : 'boxes'
  return [
    `${what.padEnd(8)}  ${grouped(count)}${ignored > 0 ? `, ${grouped(ignored)} of them ignored` : ''}${inverted > 0 ? `, ${grouped(inverted)} inverted or empty` : ''}; ${least} to ${most} an image`,
    ...(width ? [`  width   ${spread(width)} pixels`] : []),
    ...(height ? [`  height  ${spread(height)} pixels`] : []),
    ...(share ? [`  share   median ${(100 * share.median).toPrecision(3)} % of the image`] : []),
    ...(aspect ? [`  aspect  median ${aspect.median.toFixed(2)} (width / height)`] : []),
  ]
}

function channelLines({ channels }: DataStatistics): string[] {
  if (!channels) return []
  const figures = (values: readonly number[]): string => values.map((value) => value.toFixed(2)).join(' ')
  return [`means     ${figures(channels.mean)} (red green blue, 0 to 255${channels.from === '.meta' ? '; from the .meta' : ''})`, `deviation ${figures(channels.std)}`]
}

function spread({ smallest, median, mean, largest }: Spread): string {
  return smallest === largest ? grouped(smallest) : `${grouped(smallest)} to ${grouped(largest)}, median ${grouped(median)}, mean ${grouped(mean)}`
}

/** `total`: what the percentages are of. Default: all that is counted here. */
function histogram(counts: readonly (readonly [name: string, count: number])[], total = counts.reduce((sum, [, count]) => sum + count, 0)): string[] {
  const most = Math.max(...counts.map(([, count]) => count))
  const width = Math.min(40, Math.max(16, ...counts.map(([name]) => name.length)))
  return counts.map(([name, count]) => {
    const bar = '█'.repeat(Math.max(count > 0 ? 1 : 0, Math.round((barLength * count) / most)))
    return `  ${name.padEnd(width)} ${grouped(count).padStart(9)} ${((100 * count) / total).toFixed(1).padStart(6)} %  ${bar}`
  })
}
