// Products with either side transposed, against float64 loops.

import t from 'tap'
import fc from 'fast-check'
import { assertClose, product, randomValues, transposed } from '../plain-layers.js'
import { runKernel } from './run-kernel.js'

const sizes = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(15, 16, 17, 31, 33, 40))

for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    t.test(`a${transposeA ? 'ᵀ' : ''}·b${transposeB ? 'ᵀ' : ''}`, (t) => t.resolves(fc.assert(fc.asyncProperty(sizes, sizes, sizes, fc.integer({ min: 1, max: 1e6 }), async (m, k, n, seed) => {
      const a = randomValues([m, k], seed)
      const b = randomValues([k, n], seed + 1)
      const [c] = await runKernel('BatchMatMul', { a: transposeA ? transposed(a) : a, b: transposeB ? transposed(b) : b }, { transposeA, transposeB })
      assertClose('shape', c!.shape, [m, n], 0)
      assertClose('c', c!.data, product(a, b).data, 1e-5)
    }))))
  }
}
