// The statistics of a data set as one HTML page of charts, with the figures beside them.

import { chartInk, chartLine, drawBars, drawHeatMap, shortNumber } from './charts.js'
import type { DataStatistics, Rejection } from './data-statistics.js'
import { binOf, binEdge, type Cell, type Spread } from './distribution.js'
import { escapeHtml, renderPage } from './html-page.js'
import { rankClasses } from './statistics-text.js'

/** Bars of their own; the other classes share one. */
const shownClasses = 30
/** Rows of the table. */
const listedClasses = 1000

/** The page. `title` names what was looked at. */
export function renderStatisticsPage(title: string, statistics: DataStatistics): string {
  const sections = [
    ...classSections(statistics), ...digitSections(statistics), ...sizeSections(statistics), ...boxSections(statistics), ...channelSections(statistics),
  ]
  const body = `<header><h1>${escapeHtml(title)}</h1><p>${summaryOf(statistics)}</p>${rejectionList(statistics)}</header><main>${sections.join('\n')}</main>`
  return renderPage({ title: `${title}: statistics`, style: pageStyle, body })
}

function summaryOf({ width, samples, rejected, labelKind, clamped, ignored, rejectedWhenPacked = 0 }: DataStatistics): string {
  const facts = [
    `${grouped(samples)} samples with labels of kind ${labelKind}`,
    rejected > 0 ? `<strong class="bad">${grouped(rejected)} of them cannot be read</strong>; the charts are of the others` : width ? 'all can be read' : 'no image was read',
    ...(rejectedWhenPacked > 0 ? [`${grouped(rejectedWhenPacked)} inputs were rejected when the records were packed`] : []),
    ...(clamped > 0 ? [`${grouped(clamped)} have boxes that reached past the image`] : []),
    ...Object.entries(ignored).map(([reason, count]) => `${grouped(count)} passed over: ${escapeHtml(reason)}`),
  ]
  return `${facts.join('; ')}.`
}

function rejectionList({ rejections, rejectionsWhenPacked = [] }: DataStatistics): string {
  const rows = (list: readonly Rejection[], when: string): string[] => list.map(({ code, count, example }) => `<tr><td>${escapeHtml(code)}${when}</td><td class="number">${grouped(count)}</td><td>${escapeHtml(example)}</td></tr>`)
  const all = [...rows(rejections, ''), ...rows(rejectionsWhenPacked, ' (when packed)')]
  return all.length === 0 ? '' : `<details><summary>why</summary><table><tr><th>reason</th><th>count</th><th>the first</th></tr>${all.join('')}</table></details>`
}

function classSections(statistics: DataStatistics): string[] {
  const { classes, labelKind, samples, rejected } = statistics
  if (!classes) return []
  const isCounted = labelKind !== 'class'
  const ranked = rankClasses(classes)
  const shown = labelKind === 'digits' ? classes : ranked.slice(0, shownClasses)
  const rest = ranked.slice(shown.length)
  const names = [...shown.map(({ name }) => name), ...(rest.length > 0 ? [`${grouped(rest.length)} others`] : [])]
  const values = [...shown, ...(rest.length > 0 ? [{ count: rest.reduce((sum, { count }) => sum + count, 0) }] : [])].map(({ count }) => count)
  const what = labelKind === 'digits' ? 'Digits' : labelKind === 'boxes' ? 'Boxes by class' : 'Samples by class'
  const rows = ranked.slice(0, listedClasses).map((each) => `<tr><td>${escapeHtml(each.name)}</td><td class="number">${each.class}</td><td class="number">${grouped(each.count)}</td>${isCounted ? `<td class="number">${grouped(each.samples)}</td>` : ''}</tr>`)
  const table = `<details><summary>as a table</summary><table><tr><th>class</th><th>number</th><th>count</th>${isCounted ? '<th>samples with it</th>' : ''}</tr>${rows.join('')}</table>${ranked.length > listedClasses ? `<div>and ${grouped(ranked.length - listedClasses)} more</div>` : ''}</details>`
  const [most, least] = [ranked[0]!, ranked.at(-1)!]
  const note = `${grouped(classes.length)} classes in ${grouped(samples - rejected)} samples; ${most.count === least.count ? 'each stands as often as the others' : `${escapeHtml(most.name)} stands ${shortNumber(most.count / least.count)} times as often as ${escapeHtml(least.name)}`}.`
  const bars = section(what, drawBars({ names, values, isHorizontal: true, height: 24 + 22 * names.length }), note + table)
  return rest.length === 0 ? [bars] : [bars, section('Classes by rank', drawBars({ names: ranked.map((_, index) => `${index + 1}`), values: ranked.map(({ count }) => count), isLogarithmic: true, xName: 'rank', yName: 'count' }), 'How long the tail is: all classes, the most frequent first.')]
}

function digitSections({ lengths, slope }: DataStatistics): string[] {
  const sections: string[] = []
  if (lengths) sections.push(section('Digits per image', drawBars({ ...withGaps(lengths), xName: 'digits', yName: 'images' }), ''))
  if (!slope) return sections
  const names = slope.map(({ from }) => `${from + 1.5}°`)
  const values = slope.map(({ count }) => count)
  const note = 'The angle of the line through the centres of the digits; a number that falls to the right is positive. Bins of 3°; images with one digit are left out.'
  return [...sections, section('Slope of the number', drawBars({ names, values, xName: 'degrees', yName: 'images' }), note), section('Slope, by powers of ten', drawBars({ names, values, isLogarithmic: true, xName: 'degrees', yName: 'images' }), 'The same, so that rare slopes are seen.')]
}

function sizeSections({ width, height, sizes }: DataStatistics): string[] {
  if (!width || !height) return []
  const note = `Width ${spreadText(width)}; height ${spreadText(height)} pixels.`
  if (width.smallest === width.largest && height.smallest === height.largest) return [section('Image sizes', '', `Every image is ${width.largest} × ${height.largest} pixels.`)]
  return [section('Image sizes', drawHeatMap({ ...toHeatMap(sizes), xName: 'width, pixels, from', yName: 'height, pixels, from' }), `${note} Colours are counts of images, by powers of ten.`)]
}

function boxSections({ boxes, labelKind }: DataStatistics): string[] {
  if (!boxes || boxes.count === 0) return []
  const { perSample, sizes, width, height, share, aspect, count, ignored, inverted } = boxes
  const what = labelKind === 'digits' ? 'digits' : 'boxes'
  return [
    ...(labelKind === 'digits' ? [] : [section('Boxes per image', drawBars({ ...withGaps(perSample), xName: 'boxes', yName: 'images' }), `${grouped(count)} boxes${ignored > 0 ? `, ${grouped(ignored)} of them not to be counted (ignore)` : ''}${inverted > 0 ? `, <strong class="bad">${grouped(inverted)} inverted or empty</strong>` : ''}.`)]),
    ...(width && height ? [section(`Sizes of ${what}`, drawHeatMap({ ...toHeatMap(sizes), xName: 'width, pixels, from', yName: 'height, pixels, from' }), `Width ${spreadText(width)}; height ${spreadText(height)} pixels.`)] : []),
    ...(share ? [section(`Share of the image that one of the ${what} takes`, drawBars({ ...toBars(share, (from) => `${Number((100 * from).toPrecision(2))} %`), xName: 'share of the area, from', yName: what }), `Median ${Number((100 * share.median).toPrecision(3))} %.`)] : []),
    ...(aspect ? [section(`Aspect of ${what}`, drawBars({ ...toBars(aspect, (from) => from.toFixed(2)), xName: 'width / height, from', yName: what }), `Median ${aspect.median.toFixed(2)}.`)] : []),
  ]
}

function channelSections({ channels }: DataStatistics): string[] {
  if (!channels) return []
  const rows = ['red', 'green', 'blue'].map((name, channel) => `<tr><td>${name}</td><td class="number">${channels.mean[channel]!.toFixed(2)}</td><td class="number">${channels.std[channel]!.toFixed(2)}</td></tr>`)
  const [red, green, blue] = channels.mean.map(Math.round)
  return [section('Channels', `<table><tr><th></th><th>mean</th><th>standard deviation</th></tr>${rows.join('')}</table>`, `0 to 255, over all pixels${channels.from === '.meta' ? ', as the .meta has them' : ''}. <i class="swatch" style="background:rgb(${red} ${green} ${blue})"></i> is the mean colour.`)]
}

/** Cells by their places on axes that run from the smallest bin to the largest. */
function toHeatMap(cells: readonly Cell[]): { xNames: string[]; yNames: string[]; cells: Cell[] } {
  const places = (edges: readonly number[]): { first: number; names: string[] } => {
    const bins = edges.map(binOf)
    const [first, last] = [Math.min(...bins), Math.max(...bins)]
    return { first, names: Array.from({ length: last - first + 1 }, (_, index) => shortNumber(Math.ceil(binEdge(first + index) - 1e-6))) }
  }
  const [x, y] = [places(cells.map((cell) => cell.x)), places(cells.map((cell) => cell.y))]
  return { xNames: x.names, yNames: y.names, cells: cells.map((cell) => ({ x: binOf(cell.x) - x.first, y: binOf(cell.y) - y.first, count: cell.count })) }
}

function toBars({ bins }: Spread, nameOf: (from: number) => string): { names: string[]; values: number[] } {
  return { names: bins.map(({ from }) => nameOf(from)), values: bins.map(({ count }) => count) }
}

/** Numbers that do not occur have a place too, where they are few. */
function withGaps(counts: Readonly<Record<string, number>>): { names: string[]; values: number[] } {
  const numbers = Object.keys(counts).map(Number)
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
  if (most - least > 200) return { names: Object.keys(counts), values: Object.values(counts) }
  const names = Array.from({ length: most - least + 1 }, (_, index) => `${least + index}`)
  return { names, values: names.map((name) => counts[name] ?? 0) }
}

function spreadText({ smallest, median, largest }: Spread): string {
  return smallest === largest ? shortNumber(smallest) : `${shortNumber(smallest)} to ${shortNumber(largest)}, median ${shortNumber(median)}`
}

function section(title: string, chart: string, note: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>${chart === '' ? '' : `<div class="chart">${chart}</div>`}<div class="note">${note}</div></section>`
}

function grouped(value: number): string {
  return value.toLocaleString('en')
}

const pageStyle = `
body { max-width: 1480px }
main { display: grid; gap: 20px; align-items: start; margin-top: 20px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 560px), 1fr)) }
section { padding: 16px; background: var(--card); border-radius: 10px; overflow-x: auto }
h2 { font-size: 16px; margin: 0 0 10px }
.chart svg { display: block; width: 100%; height: auto; max-width: 720px }
.chart [fill="${chartInk}"] { fill: var(--faint) }
.chart [stroke="${chartInk}"] { stroke: var(--faint) }
.chart [stroke="${chartLine}"] { stroke: var(--line) }
.note { color: var(--faint) }
details { margin-top: 6px }
summary { cursor: pointer }
table { border-collapse: collapse; margin: 8px 0; color: var(--ink) }
th, td { text-align: left; padding: 3px 14px 3px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
th { font-weight: 600 }
.number { text-align: right; font-variant-numeric: tabular-nums }
.swatch { display: inline-block; width: 28px; height: 14px; vertical-align: -2px; border: 1px solid var(--line) }
.bad { color: var(--bad) }
`
