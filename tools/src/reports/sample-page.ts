// Samples with their labels and boxes as one HTML page: cards that can be filtered by class and split.
// Boxes show when the pointer or the keyboard is on a card, on a touch screen always.

import sharp from 'sharp'
import type { ChosenSplit } from './choose-samples.js'
import { classColour } from './class-colour.js'
import { escapeHtml, renderPage } from './html-page.js'
import { placeTags } from './place-tags.js'
import { pageScript, pageStyle } from './sample-page-parts.js'
import type { LabelWord, Mark, SamplePicture, Thumbnail } from './sample-picture.js'

export interface SamplePageFacts {
  /** What was asked for, such as the paths. */
  readonly title: string
  readonly splits: readonly ChosenSplit[]
  readonly seed: number
  /** The wanted classes. Default: all. */
  readonly only?: readonly string[]
}

/** Bytes of all images together, before base64 makes a third more of them. */
const maxImageBytes = 24e6
const cardWidth = 320
const cardHeight = 260
const largestScale = 6
const tagHeight = 17
/** Of the tags' letters, which are drawn by the browser. */
const letterWidth = 9

/** More cards make a page that browsers scroll badly. */
export const maxPageSamples = 2000

/** The longest side of a thumbnail: twice a card, to be enlarged. */
export const pageThumbnail = 640

/** The page. Pictures are taken one at a time. */
export async function renderSamplePage(facts: SamplePageFacts, pictures: AsyncIterable<SamplePicture>): Promise<string> {
  const count = facts.splits.reduce((sum, { chosen }) => sum + chosen, 0)
  const classes = new Map<number, { name: string; samples: number }>()
  const cards: string[] = []
  let unreadable = 0
  let hasBoxes = false
  for await (const picture of pictures) {
    cards.push(await renderCard(picture, facts.splits.findIndex(({ name }) => name === picture.split), maxImageBytes / count))
    if (picture.reason !== undefined) unreadable++
    if (picture.marks.length > 0) hasBoxes = true
    for (const number of picture.classes) {
      const name = [...picture.words, ...picture.marks.map((mark) => ({ text: mark.name, class: mark.class }))].find((word) => word.class === number)?.text ?? `${number}`
      classes.set(number, { name, samples: (classes.get(number)?.samples ?? 0) + 1 })
    }
  }
  const body = `${renderHead(facts, count, unreadable, hasBoxes)}${renderFilters(facts.splits, classes, count, unreadable, hasBoxes)}<main id="cards">${cards.join('\n')}</main>`
  return renderPage({ title: `${facts.title}: samples`, style: pageStyle, body, script: pageScript })
}

function renderHead({ title, splits, seed, only }: SamplePageFacts, count: number, unreadable: number, hasBoxes: boolean): string {
  const total = splits.reduce((sum, split) => sum + split.total, 0)
  const parts = splits.map((split) => `${escapeHtml(split.name)} ${grouped(split.chosen)} of ${grouped(split.total)}`).join(', ')
  return `<header><h1>${escapeHtml(title)}</h1>
<p>${grouped(count)} of ${grouped(total)} samples${only ? ` of ${escapeHtml(only.join(', '))}` : ''}, drawn at random with seed ${seed}${splits.length > 1 ? ` (${parts})` : ''}.${unreadable > 0 ? ` <strong class="bad">${unreadable} cannot be read.</strong>` : ''}
Images are shrunk to at most ${pageThumbnail} pixels and stored as JPEG.${hasBoxes ? ' Dashed boxes are not counted (ignored).' : ''}</p></header>`
}

function renderFilters(splits: readonly ChosenSplit[], classes: ReadonlyMap<number, { name: string; samples: number }>, count: number, unreadable: number, hasBoxes: boolean): string {
  const classOptions = [...classes].sort(([a], [b]) => a - b).map(([number, { name, samples }]) => `<option value="${number}">${escapeHtml(name)} (${samples})</option>`)
  const splitOptions = splits.map(({ name, chosen }, index) => `<option value="${index}">${escapeHtml(name)} (${chosen})</option>`)
  return `<form id="filters" autocomplete="off">
${select('class', 'Class', `<option value="">all</option>${classOptions.join('')}${unreadable > 0 ? `<option value="unreadable">cannot be read (${unreadable})</option>` : ''}`)}
${select('split', 'Split', `<option value="">all (${count})</option>${splitOptions.join('')}`)}
<label>Size <input id="size" type="range" min="0.6" max="3" step="0.1" value="1"></label>
<label${hasBoxes ? '' : ' hidden'}><input id="boxes" type="checkbox"> always show boxes</label>
<output id="shown" aria-live="polite">${count} shown</output>
</form>`
}

function select(id: string, title: string, options: string): string {
  return `<label>${title} <select id="${id}">${options}</select></label>`
}

async function renderCard(picture: SamplePicture, split: number, maxBytes: number): Promise<string> {
  const { thumbnail, reason, words, key, id, adjusted, moreMarks } = picture
  const classes = reason === undefined ? picture.classes.join(' ') : 'unreadable'
  const photo = thumbnail ? await renderPhoto(picture, thumbnail, maxBytes) : `<p class="bad">${escapeHtml(reason ?? '')}</p>`
  const size = thumbnail ? `, ${thumbnail.originalWidth} × ${thumbnail.originalHeight}` : ''
  const more = `${moreMarks > 0 ? `, ${moreMarks} more boxes are not drawn` : ''}`
  return `<figure class="card" tabindex="0" data-split="${split}" data-classes="${classes}">
<div class="photo">${photo}</div>
<figcaption><div class="words">${words.map(renderWord).join(' ')}</div>
<div class="key">${escapeHtml(picture.split)}: ${escapeHtml(key)}</div><div class="key">id ${escapeHtml(id)}${size}${more}${adjusted === undefined ? '' : `; ${escapeHtml(adjusted)}`}</div></figcaption>
</figure>`
}

function renderWord({ text, class: number, count }: LabelWord): string {
  const swatch = number === undefined ? '' : `<i style="background:${classColour(number)}"></i>`
  return `<span>${swatch}${escapeHtml(text)}${count === undefined ? '' : ` <b>${count}</b>`}</span>`
}

async function renderPhoto({ marks, key }: SamplePicture, thumbnail: Thumbnail, maxBytes: number): Promise<string> {
  const scale = Math.min(cardWidth / thumbnail.width, cardHeight / thumbnail.height, largestScale)
  const [width, height] = [thumbnail.width * scale, thumbnail.height * scale]
  const jpeg = await encodeWithin(thumbnail, maxBytes)
  const tags = placeTags(marks, { width, height, tagHeight, widthOf: (name) => Math.min(160, [...name].length * letterWidth + 8) })
  const names = tags.map(({ mark, left, top, width: room }) => `<span class="tag" data-class="${mark.class}" style="left:${percent(left / width)};top:${percent(top / height)};max-width:${percent(room / width)};background:${classColour(mark.class)}">${escapeHtml(mark.name)}</span>`)
  const overlay = marks.length === 0 ? '' : `<div class="boxes"><svg viewBox="0 0 1 1" preserveAspectRatio="none" role="img" aria-label="${marks.length} boxes">${marks.map(renderBox).join('')}</svg>${names.join('')}</div>`
  return `<div class="frame" style="--w:${width.toFixed(1)}px;aspect-ratio:${thumbnail.width}/${thumbnail.height}"><img alt="${escapeHtml(key)}" decoding="async" src="data:image/jpeg;base64,${jpeg.toString('base64')}">${overlay}</div>`
}

function renderBox({ class: number, name, xmin, ymin, xmax, ymax, ignore }: Mark): string {
  const shape = `x="${round(xmin)}" y="${round(ymin)}" width="${round(xmax - xmin)}" height="${round(ymax - ymin)}"`
  return `<g data-class="${number}"${ignore ? ' class="ignore"' : ''}><rect class="halo" ${shape}/><rect ${shape} stroke="${classColour(number)}"><title>${escapeHtml(name)}${ignore ? ' (ignored)' : ''}</title></rect></g>`
}

/** Half the size again and again until the JPEG fits. */
async function encodeWithin({ data, width, height }: Thumbnail, maxBytes: number): Promise<Buffer> {
  for (let scale = 1; ; scale /= 2) {
    const side = Math.round(Math.max(width, height) * scale)
    const quality = Math.max(width, height) <= 160 ? 92 : 80
    const jpeg = await sharp(data, { raw: { width, height, channels: 3 } }).resize({ width: side, height: side, fit: 'inside' }).jpeg({ quality, mozjpeg: true }).toBuffer()
    if (jpeg.length <= maxBytes || side <= 64) return jpeg
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)}%`
}

function round(share: number): number {
  return Number(share.toFixed(5))
}

function grouped(value: number): string {
  return value.toLocaleString('en')
}
