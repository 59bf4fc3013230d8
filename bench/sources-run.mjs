// One reading of one annotation file, in a process of its own: node bench/sources-run.mjs NAME PATH
// prints { found, wallMs, cpuMs, peakBytes } as JSON. The time is from before the file is opened.

import { openSource, readDigitStruct } from '../pipeline/dist/index.js'

const readings = { 'digit-struct': digitStruct, imagenet, 'imagenet-split': imagenetSplit, coco, 'coco-labels': cocoLabels }

const [name, path] = process.argv.slice(2)
const [wall, cpu] = [performance.now(), process.cpuUsage()]
const found = await readings[name](path)
const { user, system } = process.cpuUsage(cpu)
console.log(JSON.stringify({ found, wallMs: performance.now() - wall, cpuMs: (user + system) / 1000, peakBytes: process.resourceUsage().maxRSS * 1024 }))

function digitStruct(path) {
  const found = { entries: 0, boxes: 0 }
  for (const { boxes } of readDigitStruct(path)) {
    found.entries++
    found.boxes += boxes.length
  }
  return found
}

/** Every line of both lists, with its label. */
async function imagenet(path) {
  return { train: await countLabelled(await openSource('imagenet', path)), val: await countLabelled(await openSource('imagenet', path, { split: 'val' })) }
}

/** The training list without the 50 images of each class that are drawn for test. */
async function imagenetSplit(path) {
  return { train: await countLabelled(await openSource('imagenet', path, { split: 'train' })) }
}

async function coco(path) {
  return { images: await (await openSource('coco', path)).count() }
}

async function cocoLabels(path) {
  const found = { images: 0, boxes: 0 }
  for await (const { label } of (await openSource('coco', path)).outlines()) {
    found.images++
    found.boxes += label.boxes.length
  }
  return found
}

async function countLabelled(source) {
  let count = 0
  for await (const { label, error } of source) if (!error && label.kind === 'class') count++
  return count
}
