// The demo: the whole thread on a sample data set: draw photos → pack → train → export → read the
// held-out photos, with the time of each stage. Every stage is what its own command runs.

import { join } from 'node:path'
import { readFile, rm } from 'node:fs/promises'
import { loadModel } from '@millrace/infer'
import { digitStruct, packDataset } from '@millrace/pipeline'
import { decodeImage } from '@millrace/pipeline/images'
import { createNetwork, exportRun, trainNetwork } from '@millrace/train'
import { CliError } from './errors.js'
import { createProgress } from './progress.js'
import { readImages, type Reading } from './readings.js'
import { writeContactSheet } from './reports/contact-sheet.js'
import { sampleSvhn } from './samples/svhn-sample.js'
import { createTrainingDisplay } from './training-display.js'

/** What `millrace demo` is asked for. */
export interface DemoOptions {
  readonly folder: string
  readonly seed: number
  readonly photos: number
  readonly heldOut: number
  readonly epochs: number
}

const shownPhotos = 12
const splits = ['train', 'validation', 'test'] as const

export class Demo {
  readonly #options: DemoOptions
  readonly #signal: AbortSignal
  readonly #times: { readonly stage: string; readonly seconds: number }[] = []

  constructor(options: DemoOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
  }

  async run(): Promise<void> {
    await this.#stage('draw the photos', () => this.#draw())
    await this.#stage('pack them into records', () => this.#pack())
    await this.#stage('train the network', () => this.#train('svhn-digits', 'run', this.#options.epochs, 1e-3))
    await this.#stage('export it', () => exportRun(this.#path('run'), this.#path('model')))
    const readings = await this.#stage('read the test photos', () => this.#read('model'))
    await this.#stage('draw the contact sheet', () => this.#drawSheet(readings.slice(0, shownPhotos)))
    const baseline = await this.#stage('logistic regression, for comparison', () => this.#measureBaseline())
    this.#print(readings, baseline)
  }

  async #draw(): Promise<void> {
    const { photos, heldOut, seed } = this.#options
    const progress = createProgress('draw', { total: photos + 2 * heldOut, unit: 'photos' })
    await sampleSvhn({
      folder: this.#path('photos'),
      train: photos,
      validation: heldOut,
      test: heldOut,
      seed,
      signal: this.#signal,
      onProgress: ({ done }) => progress.update(done),
    })
    progress.done()
  }

  /** The number with 30 % around it, 64x64 pixels, as Goodfellow et al. prepare SVHN. */
  async #pack(): Promise<void> {
    for (const split of splits) {
      const source = await digitStruct(this.#path('photos', split))
      const progress = createProgress(`pack ${split}`, { total: await source.count() })
      const { rejected } = await packDataset({
        source,
        plan: { crop: { kind: 'regions', expand: 0.3 }, resize: { kind: 'exact', width: 64, height: 64 }, method: 'antialiased' },
        output: this.#path(`${split}.rec`),
        labelKind: 'digits',
        onError: 'fail',
        signal: this.#signal,
        onProgress: ({ packed }) => progress.update(packed),
      })
      progress.done()
      if (rejected > 0) throw new CliError('CLI_DEMO', `${rejected} photos of the ${split} split were rejected; every photo drawn should pack`)
    }
  }

  async #train(network: string, run: string, epochs: number, learningRate: number): Promise<void> {
    await rm(this.#path(run), { recursive: true, force: true })
    const display = createTrainingDisplay({ quiet: false })
    try {
      await trainNetwork({
        graph: createNetwork(network),
        records: [this.#path('train.rec')],
        validation: [this.#path('validation.rec')],
        run: this.#path(run),
        epochs,
        learningRate,
        seed: this.#options.seed,
        signal: this.#signal,
        onProgress: display.show,
      })
    } finally {
      display.done()
    }
  }

  async #read(modelFolder: string): Promise<Reading[]> {
    const model = await loadModel(this.#path(modelFolder))
    const progress = createProgress('read', { total: this.#options.heldOut })
    const readings: Reading[] = []
    const reject = (source: string, reason: string): void => {
      throw new CliError('CLI_DEMO', `${source}: ${reason}; every record of the demo should be readable`)
    }
    for await (const reading of readImages(model, [this.#path('test.rec')], { reject, signal: this.#signal })) {
      readings.push(reading)
      progress.update(readings.length)
    }
    progress.done()
    return readings
  }

  async #measureBaseline(): Promise<number> {
    await this.#train('svhn-digits-linear', 'baseline-run', 10, 3e-3)
    await exportRun(this.#path('baseline-run'), this.#path('baseline-model'))
    return accuracyOf(await this.#read('baseline-model'))
  }

  async #drawSheet(readings: readonly Reading[]): Promise<void> {
    const cells = readings.map(async ({ source, truth = '', reading, answer }) => ({
      image: await decodeImage(await readFile(this.#path('photos', 'test', `${photoNumber(source)}.png`))),
      caption: `truth ${truth}`,
      second: `read ${reading}   ${(100 * answer.probability).toFixed(1)}%`,
      good: reading === truth,
    }))
    await writeContactSheet(this.#path('contact-sheet.png'), await Promise.all(cells), { columns: 4 })
  }

  #print(readings: readonly Reading[], baseline: number): void {
    const rows = readings.slice(0, shownPhotos).map(({ source, truth = '', reading, answer }) =>
      [`${photoNumber(source)}.png`.padEnd(8), truth.padStart(6), reading.padStart(7), answer.probability.toFixed(3).padStart(12), reading === truth ? '' : '  wrong'].join(''))
    const total = this.#times.reduce((sum, { seconds }) => sum + seconds, 0)
    const times = [...this.#times, { stage: 'all', seconds: total }].map(({ stage, seconds }) => `  ${stage.padEnd(36)}${seconds.toFixed(1).padStart(7)} s`)
    console.log([
      'photo    truth   read probability',
      ...rows,
      '',
      `read right in full: ${percent(accuracyOf(readings))} of ${readings.length} test photos never trained on (every digit and the length)`,
      `logistic regression on the same pixels: ${percent(baseline)}`,
      `the first ${shownPhotos} photos with their readings: ${this.#path('contact-sheet.png')}`,
      '',
      'time',
      ...times,
    ].join('\n'))
  }

  async #stage<T>(stage: string, work: () => Promise<T>): Promise<T> {
    process.stderr.write(`${stage} …\n`)
    const began = performance.now()
    const result = await work()
    this.#times.push({ stage, seconds: (performance.now() - began) / 1000 })
    return result
  }

  #path(...names: string[]): string {
    return join(this.#options.folder, ...names)
  }
}

function accuracyOf(readings: readonly Reading[]): number {
  return readings.filter(({ truth, reading }) => truth === reading).length / readings.length
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

/** A record's id is the number of its photo. */
function photoNumber(source: string): string {
  return source.slice(source.lastIndexOf('#') + 1)
}
