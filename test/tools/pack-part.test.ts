// Which part is this task's, from `i/n` or from what a batch system sets.

import t from 'tap'
import { parsePart } from '../../../tools/dist/pack-part.js'

t.test('i/n', (t) => {
  t.same(parsePart('0/1'), { index: 0, count: 1 })
  t.same(parsePart('7/8', { SLURM_ARRAY_TASK_ID: '1' }), { index: 7, count: 8 })
  for (const text of ['', '1', '8/8', '-1/2', '1/0', 'a/b', '0.5/2']) t.throws(() => parsePart(text), { code: 'CLI_USAGE' }, text)
  t.end()
})

t.test('auto', (t) => {
  const auto = (environment: Record<string, string>): unknown => parsePart('auto', environment)
  t.same(auto({ SLURM_ARRAY_TASK_ID: '5', SLURM_ARRAY_TASK_COUNT: '4', SLURM_ARRAY_TASK_MIN: '3' }), { index: 2, count: 4 })
  t.same(auto({ SLURM_ARRAY_TASK_ID: '9', SLURM_ARRAY_TASK_COUNT: '4', SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_STEP: '4' }), { index: 2, count: 4 })
  t.same(auto({ JOB_COMPLETION_INDEX: '0', JOB_COMPLETIONS: '3' }), { index: 0, count: 3 })
  t.same(auto({ OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '2' }), { index: 1, count: 2 })
  for (const environment of [{}, { JOB_COMPLETION_INDEX: '0' }, { OMPI_COMM_WORLD_RANK: '2', OMPI_COMM_WORLD_SIZE: '2' }, { SLURM_ARRAY_TASK_ID: 'x' }]) {
    t.throws(() => auto(environment), { code: 'CLI_USAGE' }, JSON.stringify(environment))
  }
  t.end()
})
