// The rectifier's gradient at its corner and beyond.

import t from 'tap'
import { runKernel } from './run-kernel.js'

t.test('dy where y > 0, else 0', async (t) => {
  const values = (...data: number[]) => ({ shape: [data.length], data: Float64Array.from(data) })
  const [dx] = await runKernel('ReluGrad', { dy: values(1, 2, 3, -4, 5), y: values(0, 0.5, -0, 2, 1e-30) })
  t.same([...dx!.data], [0, 2, 0, -4, 5])
})
