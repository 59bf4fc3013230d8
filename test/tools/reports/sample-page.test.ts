// The page of samples: its own images and nothing from elsewhere; what comes from data is text, never markup.

import t from 'tap'
import type { Sample } from '@millrace/pipeline'
import { createHash } from 'node:crypto'
import { pictureOf, type SamplePicture } from '../../../../tools/dist/reports/sample-picture.js'
import { pageThumbnail, renderSamplePage } from '../../../../tools/dist/reports/sample-page.js'
import { boxesLabel, plainSample } from './pictures.js'

const hostile = `<script>alert('x')</script>"&`
const box = { xmin: 0.1, ymin: 0.1, xmax: 0.6, ymax: 0.6 }

async function* picturesOf(samples: readonly Sample[], split: string): AsyncGenerator<SamplePicture, void, undefined> {
  for (const sample of samples) yield await pictureOf({ split, sample, classNames: ['cat', hostile] }, pageThumbnail)
}

function render(samples: readonly Sample[], split = 'train'): Promise<string> {
  return renderSamplePage({ title: hostile, splits: [{ name: split, total: 5000, chosen: samples.length }], seed: 42 }, picturesOf(samples, split))
}

t.test('cards, boxes, filters and counts', async (t) => {
  const samples = [plainSample(1, boxesLabel([{ class: 0, ...box }, { class: 0, ...box, ignore: true }])), plainSample(2, boxesLabel([{ class: 1, ...box }]))]
  const page = await render(samples)
  t.equal(page.match(/<figure class="card" tabindex="0"/g)!.length, 2)
  t.match(page, 'data-classes="0"')
  t.match(page, '<option value="0">cat (1)</option>')
  t.match(page, '<option value="0">train (2)</option>')
  t.match(page, '2 of 5,000 samples, drawn at random with seed 42')
  t.match(page, /cat <b>2<\/b>/)
  t.match(page, 'id 1, 40 × 30')
  t.equal(page.match(/<g data-class="0" class="ignore">/g)!.length, 1)
  t.match(page, '<title>cat (ignored)</title>')
  t.match(page, /@media \(hover: none\) \{ \.boxes \{ visibility: visible/)
  t.match(page, /prefers-color-scheme: dark/)
})

t.test('names out of data are text', async (t) => {
  const broken: Sample = { ...plainSample(3, { kind: 'class', value: 0 }), key: hostile, image: () => Promise.resolve(Buffer.from('x')) }
  const page = await render([{ ...plainSample(1, boxesLabel([{ class: 1, ...box }])), key: hostile, adjusted: hostile }, plainSample(2, { kind: 'class', value: 1 }), broken], hostile)
  t.notOk(page.includes('alert(\'x\')'))
  t.equal(page.match(/<script/g)!.length, 1, 'our own')
  t.match(page, '&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34;&#38;')
  t.match(page, '1 cannot be read.')
})

t.test('its policy names its script and forbids all else', async (t) => {
  const page = await render([plainSample(1, { kind: 'class', value: 0 })])
  const script = /<script>([^]*)<\/script>/.exec(page)![1]!
  const digest = createHash('sha256').update(script).digest('base64')
  t.match(page, `content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'"`)
  t.notMatch(page, /(src|href)="(?!data:)/)
  t.notMatch(page, /@import|url\(/)
})

t.test('large images become small ones', async (t) => {
  const data = Uint8Array.from({ length: 3 * 2000 * 1500 }, (_, index) => (index * 2654435761) >>> 24)
  const noise: Sample = { ...plainSample(1, { kind: 'class', value: 0 }), image: () => Promise.resolve({ data, width: 2000, height: 1500, channels: 3 }) }
  const page = await render([noise, noise])
  t.match(page, 'aspect-ratio:640/480')
  t.match(page, '2000 × 1500')
  t.ok(page.length < 2e6, `${page.length} bytes`)
})
