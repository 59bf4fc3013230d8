// Samples with their labels and boxes in one PNG: a grid of cards, each an image as large as its card
// allows with the boxes over it, the label in words under it, and its name. Boxes that are not to be
// counted (`ignore`) are dashed. An image that cannot be read has its reason in its place.

import sharp, { type OutputInfo, type OverlayOptions } from 'sharp'
import { classColour } from './class-colour.js'
import { outlineText, shortenText, textWidth } from './outline-text.js'
import { placeTags } from './place-tags.js'
import type { LabelWord, Mark, SamplePicture, Thumbnail } from './sample-picture.js'

const photoWidth = 400
const photoHeight = 300
const captionHeight = 60
const gap = 16
const padding = 12
const largestScale = 8
const tagDigits = 9
const tagHeight = 16
const captionDigits = 10

const paper = '#ffffff'
const card = '#f1f1ee'
const ink = '#2b2d31'
const faint = '#6b6e75'
const red = '#c42828'

/** More cards would make an image that few programs open. */
export const maxSheetSamples = 240

/** The longest side that a thumbnail needs here. */
export const sheetThumbnail = photoWidth

/** The PNG's bytes. Pictures are taken one at a time. */
export async function drawSampleSheet(count: number, pictures: AsyncIterable<SamplePicture>): Promise<Buffer> {
  const across = Math.max(1, Math.min(6, Math.ceil(Math.sqrt(count))))
  const down = Math.max(1, Math.ceil(count / across))
  const width = gap + across * (photoWidth + gap)
  const height = gap + down * (photoHeight + captionHeight + gap)
  const cards: OverlayOptions[] = []
  for await (const picture of pictures) {
    const left = gap + (cards.length % across) * (photoWidth + gap)
    const top = gap + Math.floor(cards.length / across) * (photoHeight + captionHeight + gap)
    const { data, info } = await drawCard(picture)
    cards.push({ input: data, raw: { width: info.width, height: info.height, channels: 3 }, left, top })
  }
  return sharp({ create: { width, height, channels: 3, background: paper }, limitInputPixels: false })
    .composite(cards)
    .png({ compressionLevel: 8 })
    .toBuffer()
}

async function drawCard(picture: SamplePicture): Promise<{ data: Buffer; info: OutputInfo }> {
  const { thumbnail } = picture
  const layers: OverlayOptions[] = []
  let marks = ''
  if (thumbnail) {
    const place = placeOf(thumbnail)
    layers.push({ input: await enlarge(thumbnail, place), raw: { width: place.width, height: place.height, channels: 3 }, left: place.left, top: place.top })
    marks = drawMarks(picture.marks, place)
  }
  const size = `width="${photoWidth}" height="${photoHeight + captionHeight}"`
  layers.push({ input: Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${size}>${marks}${drawCaption(picture)}</svg>`), left: 0, top: 0 })
  return sharp({ create: { width: photoWidth, height: photoHeight + captionHeight, channels: 3, background: card } })
    .composite(layers)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
}

interface Place {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** As large as the card allows, whole image seen, aspect kept. */
function placeOf({ width, height }: Thumbnail): Place {
  const scale = Math.min(photoWidth / width, photoHeight / height, largestScale)
  const [across, down] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))]
  return { left: Math.floor((photoWidth - across) / 2), top: Math.floor((photoHeight - down) / 2), width: across, height: down }
}

function enlarge({ data, width, height }: Thumbnail, place: Place): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 3 } }).resize(place.width, place.height, { fit: 'fill', kernel: 'mitchell' }).raw().toBuffer()
}

function drawMarks(marks: readonly Mark[], place: Place): string {
  const tags = placeTags(marks, { width: place.width, height: place.height, tagHeight, widthOf: (name) => textWidth(shortName(name), tagDigits) + 8 })
  const boxes = marks.map((mark) => drawBox(mark, place))
  const names = tags.map(({ mark, left, top, width }) => {
    const x = place.left + left
    const y = place.top + top
    return `<rect x="${x}" y="${y}" width="${width}" height="${tagHeight}" fill="${classColour(mark.class)}"/>${outlineText(shortName(mark.name), x + 4, y + tagHeight - 3.5, tagDigits, '#000000')}`
  })
  return [...boxes, ...names].join('')
}

/** A dark line under the coloured one: it is seen on any image. */
function drawBox({ class: number, xmin, ymin, xmax, ymax, ignore }: Mark, { left, top, width, height }: Place): string {
  const x = left + xmin * width
  const y = top + ymin * height
  const shape = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${((xmax - xmin) * width).toFixed(1)}" height="${((ymax - ymin) * height).toFixed(1)}" fill="none"`
  const dashes = ignore ? ' stroke-dasharray="6 5"' : ''
  return `<rect ${shape} stroke="#000000" stroke-opacity="0.6" stroke-width="4"${ignore ? ' stroke-dasharray="8 3" stroke-dashoffset="1"' : ''}/><rect ${shape} stroke="${classColour(number)}" stroke-width="2"${dashes}/>`
}

function shortName(name: string): string {
  return shortenText(name, tagDigits, photoWidth / 3)
}

function drawCaption({ words, moreMarks, key, id, split, reason, adjusted, thumbnail }: SamplePicture): string {
  const room = photoWidth - 2 * padding
  const first = photoHeight + 24
  const size = thumbnail ? `, ${thumbnail.originalWidth}x${thumbnail.originalHeight}` : ''
  const extra = `${moreMarks > 0 ? `, ${moreMarks} boxes not drawn` : ''}${adjusted !== undefined ? ', boxes clamped' : ''}`
  const head = reason === undefined ? drawWords(words, padding, first, room) : outlineText(shortenText('cannot be read', captionDigits, room), padding, first, captionDigits, red)
  const second = shortenText(`${split}: ${key}`, captionDigits - 2, room - textWidth(` id ${id}${size}${extra}`, captionDigits - 2))
  const why = reason === undefined ? '' : wrap(reason, room).map((line, index) => outlineText(line, padding, 30 + 17 * index, captionDigits - 1, red)).join('')
  return `${why}${head}${outlineText(`${second} id ${id}${size}${extra}`, padding, first + 21, captionDigits - 2, faint)}`
}

/** Each class with a square of its colour, as many as there is room for. */
function drawWords(words: readonly LabelWord[], left: number, baseline: number, room: number): string {
  const end = left + room
  let x = left
  const drawn: string[] = []
  for (const [index, { text, class: number, count }] of words.entries()) {
    const more = textWidth(` +${words.length - index}`, captionDigits)
    const shown = shortenText(count === undefined ? text : `${text} ${count}`, captionDigits, index === 0 ? room - 20 - more : Infinity)
    const width = textWidth(shown, captionDigits) + (number === undefined ? 0 : captionDigits + 5)
    if (x + width + (index < words.length - 1 ? more : 0) > end) return drawn.join('') + outlineText(`+${words.length - index}`, x, baseline, captionDigits, faint)
    if (number !== undefined) {
      drawn.push(`<rect x="${x}" y="${baseline - captionDigits}" width="${captionDigits}" height="${captionDigits}" fill="${classColour(number)}" stroke="#000000" stroke-opacity="0.4"/>`)
      x += captionDigits + 5
    }
    drawn.push(outlineText(shown, x, baseline, captionDigits, ink))
    x += textWidth(shown, captionDigits) + 12
  }
  return drawn.join('')
}

/** At most fourteen lines. */
function wrap(text: string, room: number): string[] {
  const perLine = Math.floor(room / textWidth('0', captionDigits - 1))
  const lines: string[] = ['']
  for (const word of text.slice(0, 1000).split(/\s+/).flatMap((each) => each.match(new RegExp(`.{1,${perLine}}`, 'gu')) ?? [])) {
    if (lines.at(-1)!.length + word.length + 1 > perLine) lines.push(word)
    else lines.push(`${lines.pop()!} ${word}`.trimStart())
  }
  return lines.slice(0, 14)
}
