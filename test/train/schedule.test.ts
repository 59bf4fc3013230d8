// The learning rate at the corners of its schedule, and between them.

import t from 'tap'
import fc from 'fast-check'
import { defaultSchedule, learningRateAt, type ScheduleConfig } from '../../../train/dist/schedule.js'

const cosine: ScheduleConfig = { kind: 'cosine', warmUpSteps: 10, flatShare: 0.3, endShare: 0.02 }

t.test('constant', (t) => {
  t.same([0, 1, 999].map((step) => learningRateAt({ kind: 'constant' }, 0.25, step, 1000)), [0.25, 0.25, 0.25])
  t.end()
})

t.test('cosine: rises, stays, falls', (t) => {
  const rate = (step: number): number => learningRateAt(cosine, 2, step, 1000)
  t.equal(rate(0), 0.2, 'the first step already learns')
  t.equal(rate(4), 1)
  t.equal(rate(9), 2, 'all of it after the warm-up')
  t.equal(rate(10), 2)
  t.equal(rate(300), 2, 'flat until 30 % of the steps')
  t.ok(rate(301) < 2)
  t.ok(Math.abs(rate(650) - 2 * 0.51) < 1e-12, 'half of the cosine: the middle of 1 and 0.02')
  t.ok(Math.abs(rate(1000) - 0.04) < 1e-12, 'the end share')
  t.equal(rate(1200), rate(1000), 'and no further')
  t.end()
})

t.test('without a warm-up the first step has the whole rate', (t) => {
  t.equal(learningRateAt({ ...cosine, warmUpSteps: 0 }, 1, 0, 100), 1)
  t.equal(learningRateAt({ ...cosine, warmUpSteps: 0, flatShare: 0 }, 1, 0, 100), 1)
  t.end()
})

t.test('within the rate and its end share, without jumps, whatever the numbers of steps', (t) => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (totalSteps, warmUpSteps, flatShare) => {
    const schedule: ScheduleConfig = { kind: 'cosine', warmUpSteps, flatShare, endShare: 0.02 }
    const rates = Array.from({ length: totalSteps }, (_, step) => learningRateAt(schedule, 1, step, totalSteps))
    const falling = Math.max(1, totalSteps - Math.max(warmUpSteps, flatShare * totalSteps))
    for (const [step, rate] of rates.entries()) {
      if (!(rate > 0 && rate <= 1)) throw new Error(`step ${step}: ${rate}`)
      if (step === 0) continue
      const change = rate - rates[step - 1]!
      // The steepest place of half a cosine over n steps falls by π/2n; the warm-up rises by 1/n.
      if (change > 1 / warmUpSteps + 1e-9 || change < -Math.PI / 2 / falling - 1e-9) throw new Error(`step ${step}: from ${rates[step - 1]} to ${rate}`)
    }
  }))
  t.end()
})

t.test('the default warms up, and ends at a fiftieth', (t) => {
  t.equal(learningRateAt(defaultSchedule, 1, 49, 1000), 1)
  t.ok(learningRateAt(defaultSchedule, 1, 999, 1000) < 0.0201)
  t.end()
})
