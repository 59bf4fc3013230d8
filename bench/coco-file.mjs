// Writes a JSON of the size and shape of COCO's instances_train2017.json: 118,287 images, 860,001 boxes of 80
// classes with their polygons, about 450 MB; the same bytes on every run. Annotations of one image lie apart,
// as in the original.

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'

export async function writeCocoFile(path, { images = 118_287, boxes = 860_001 } = {}) {
  const file = createWriteStream(path, { highWaterMark: 2 ** 20 })
  const random = randomNumbers(42)
  const whole = (below) => Math.floor(random() * below)
  let batch = ''
  const write = async (text) => {
    batch += text
    if (batch.length < 2 ** 19) return
    if (!file.write(batch)) await once(file, 'drain')
    batch = ''
  }
  const idOf = (index) => (index * 4_973 + 9) % 581_929 // 581,929 is prime: no id twice
  await write('{"info": {"description": "synthetic", "year": 2017},"licenses": [{"url": "-", "id": 1, "name": "-"}],"images": [')
  for (let index = 0; index < images; index++) {
    const [id, number] = [idOf(index), 8_000_000_000 + whole(1e9)]
    const name = `${String(id).padStart(12, '0')}.jpg`
    await write(`${index ? ',' : ''}{"license": ${1 + whole(8)},"file_name": "${name}","coco_url": "http://images.example/train2017/${name}","height": 480,"width": 640,"date_captured": "2013-11-14 11:18:45","flickr_url": "http://farm9.example/8186/${number}_4e622c8349_z.jpg","id": ${id}}`)
  }
  await write('],"annotations": [')
  for (let index = 0; index < boxes; index++) {
    const [left, top, width, height] = [random() * 500, random() * 380, 4 + random() * 120, 4 + random() * 90].map((value) => value.toFixed(2))
    const polygon = Array.from({ length: 16 + 2 * whole(36) }, (_, at) => (at % 2 ? Number(top) + random() * Number(height) : Number(left) + random() * Number(width)).toFixed(2))
    const shape = index % 86 === 0 ? `{"counts": [${polygon.map(Number).map(Math.round).join(',')}],"size": [480,640]}` : `[[${polygon.join(',')}]]`
    await write(`${index ? ',' : ''}{"segmentation": ${shape},"area": ${(random() * 9_999).toString()},"iscrowd": ${index % 86 === 0 ? 1 : 0},"image_id": ${idOf(whole(images))},"bbox": [${left},${top},${width},${height}],"category_id": ${1 + whole(80)},"id": ${index + 1}}`)
  }
  await write(`],"categories": [${Array.from({ length: 80 }, (_, index) => `{"supercategory": "thing","id": ${index + 1},"name": "class ${index + 1}"}`).join(',')}]}`)
  file.end(batch)
  await once(file, 'finish')
}

/** Numbers from 0 to 1 (mulberry32). */
function randomNumbers(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
