// The generator against python3 itself, and against numbers that it printed where it is not installed.

import t from 'tap'
import { spawnSync } from 'node:child_process'
import { PythonRandom } from '../../../../pipeline/dist/im2rec/python-random.js'

function shuffled(count: number, seed: number): number[] {
  const list = Array.from({ length: count }, (_, index) => index)
  new PythonRandom(seed).shuffle(list)
  return list
}

t.test('numbers that Python 3.11 printed for random.seed(100)', (t) => {
  const random = new PythonRandom(100)
  t.same([random.uint32(), random.uint32(), random.uint32()], [625644691, 1973661107, 1953896601])
  t.same(shuffled(10, 100), [4, 0, 5, 9, 3, 1, 6, 8, 7, 2])
  t.end()
})

const isThere = spawnSync('python3', ['--version']).status === 0

t.test('shuffles of many lengths', { skip: isThere ? false : 'no python3' }, (t) => {
  const lengths = [0, 1, 2, 3, 255, 256, 257, 1000, 4097]
  const script = `import random, json
def shuffled(n, seed):
    x = list(range(n)); random.seed(seed); random.shuffle(x); return x
print(json.dumps([shuffled(n, s) for n in ${JSON.stringify(lengths)} for s in (100, 0, 4294967295)]))`
  const { stdout } = spawnSync('python3', ['-c', script], { encoding: 'utf8' })
  t.same(lengths.flatMap((length) => [100, 0, 2 ** 32 - 1].map((seed) => shuffled(length, seed))), JSON.parse(stdout))
  t.end()
})
