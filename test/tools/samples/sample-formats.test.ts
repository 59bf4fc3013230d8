// Each sample data set packs with the command that it names.

import t from 'tap'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createProgram, packArguments, sampleData, sampleFormats } from 'millrace'

t.setTimeout(120_000)

const few = 6

t.test('each format packs without a reject, and writes no other names than it says', async (t) => {
  const folder = t.testdir()
  for (const [name, format] of Object.entries(sampleFormats)) {
    const target = join(folder, name)
    const progress: string[] = []
    const { parts } = await sampleData({ name, folder: target, count: few, onProgress: ({ done, total }) => progress.push(`${done}/${total}`) })
    const expected = few + (format.parts.length - 1) * Math.ceil(few / 4)
    t.equal(progress.at(-1), `${expected}/${expected}`, `${name} draws what it says`)
    t.same(readdirSync(target).sort(), ['sample.json', ...format.holds].sort(), `${name} holds`)
    for (const part of parts) {
      const written = t.capture(process.stdout, 'write', () => true)
      const argv = ['node', 'millrace', 'pack', ...packArguments(target, part), join(folder, `${name}.rec`), '--quiet', '--json', '--threads', '1']
      await createProgram(new AbortController().signal).parseAsync(argv)
      written.restore() // the test's own results go there too
      const report = JSON.parse(written().map(({ args }) => String(args[0])).join('')) as { packed: number; rejected: number }
      t.equal(report.packed, part.images, `${name} ${part.part}`)
      t.equal(report.rejected, 0, `${name} ${part.part} has no rejects`)
    }
  }
})
