// The progress display: drawn over on a terminal, rare plain lines elsewhere, nothing when quiet.

import t from 'tap'
import { setTimeout } from 'node:timers/promises'
import { createProgress, formatDuration } from 'millrace'

function screen(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  let text = ''
  const stream = { isTTY, columns: 80, rows: 24, write: (part: string) => ((text += part), true) }
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text }
}

t.test('a terminal', async (t) => {
  t.intercept(process, 'env', { value: { ...process.env, TERM: 'xterm' } })
  const { stream, text } = screen(true)
  const progress = createProgress('pack', { total: 2000, stream })
  progress.update(1)
  progress.update(2)
  t.notMatch(text(), /2\/2,000/, 'not drawn more often than a person can see')
  await setTimeout(150)
  progress.update(1000, '3 rejected')
  t.match(text(), /pack {2}1,000\/2,000 {2}[\d,.]+ images\/s {2}\d+ s left {2}3 rejected/)
  progress.note('a line that stays')
  progress.done()
  t.match(text(), /a line that stays\n/)
})

t.test('a file, and quiet', (t) => {
  const { stream, text } = screen(false)
  const progress = createProgress('train', { stream })
  progress.update(5)
  progress.done()
  t.equal(text(), '', 'a short run writes no line')
  progress.note('validation')
  t.equal(text(), 'validation\n')
  const quiet = screen(true)
  createProgress('pack', { quiet: true, stream: quiet.stream }).update(5)
  t.equal(quiet.text(), '')
  t.end()
})

t.test('durations', (t) => {
  t.same([0.4, 59, 65, 7200].map(formatDuration), ['0 s', '59 s', '1:05', '2:00:00'])
  t.end()
})
