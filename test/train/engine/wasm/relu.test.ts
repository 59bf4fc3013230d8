// The rectifier and its gradient, at the corner and beyond it.

import t from 'tap'
import { runKernel } from './run-kernel.js'

const values = (...data: number[]) => ({ shape: [data.length], data: Float64Array.from(data) })

t.test('max(x, 0) of any number of values; NaN of either sign stays', async (t) => {
  const negativeNaN = new Float32Array(Uint32Array.of(0xffc00000).buffer)[0]!
  for (let length = 1; length <= 9; length++) {
    const x = [-1, 2, NaN, negativeNaN, 0, -Infinity, Infinity, negativeNaN, 3].slice(-length)
    const [y] = await runKernel('Relu', { x: values(...x) })
    t.same([...y!.data], x.map((value) => Math.max(value, 0)), `${length} values`)
  }
})

t.test('the gradient is dy where y > 0, else 0', async (t) => {
  const [dx] = await runKernel('ReluGrad', { dy: values(1, 2, 3, -4, 5), y: values(0, 0.5, -0, 2, 1e-30) })
  t.same([...dx!.data], [0, 2, 0, -4, 5])
})
