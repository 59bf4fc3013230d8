// Cars from ahead and behind in the XML of dlib's imglab: far ones marked ignore, boxes drawn past the edge.

import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { between, chance } from '../random.js'
import { drawTraffic } from '../scenes/photos.js'

/** Narrower cars than this share of the image are too far to be learned. */
const leastShare = 0.1

/** DIR/training.xml, testing.xml and images/. */
export async function writeDlibXml({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  for (const [part, name] of [['train', 'training'], ['test', 'testing']] as const) {
    const images = await folder.drawFiles(part, counts[part], (random, index) => {
      const { image, seen } = drawTraffic(random, size)
      const boxes = seen.map(({ kind, box: { left, top, right, bottom } }) => {
        const loose = chance(random, 0.3) ? between(random, 1, 4) : 0 // annotators are generous, past the edge too
        const edges = { top: Math.floor(top - loose), left: Math.floor(left - loose), width: Math.ceil(right - left + 2 * loose), height: Math.ceil(bottom - top + 2 * loose) }
        const attributes = Object.entries(edges).map(([edge, value]) => `${edge}='${value}'`).join(' ')
        return `    <box ${attributes}${right - left < leastShare * size ? " ignore='1'" : ''}>\n      <label>${kind}</label>\n    </box>\n`
      })
      return { file: `images/${name}_${`${index + 1}`.padStart(5, '0')}.jpg`, boxes, image }
    })
    const entries = images.map(({ file, boxes }) => `  <image file='${file}'>\n${boxes.join('')}  </image>\n`)
    await folder.write(`${name}.xml`, `<?xml version='1.0' encoding='ISO-8859-1'?>\n<?xml-stylesheet type='text/xsl' href='image_metadata_stylesheet.xsl'?>\n<dataset>\n<name>Sample of traffic</name>\n<comment>Drawn by millrace sample.</comment>\n<images>\n${entries.join('')}</images>\n</dataset>\n`)
    written.push({ part, images: images.length, path: `${name}.xml`, flags: ['--format', 'dlib-xml'] })
  }
  return written
}
