// h5py reads the real files as we do, and we read what it writes, where Python and h5py are installed.

import t from 'tap'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readDigitStruct } from '@millrace/pipeline'
import { realData } from '../support.js'

const folder = fileURLToPath(new URL('../../second-opinion/', import.meta.url))
const python = '/usr/bin/python3'

for (const part of ['train', 'test']) {
  const { path, skip } = realData(`svhn/${part}/digitStruct.mat`)
  t.test(`SVHN ${part}: every entry as h5py reads it`, { skip: skip || withoutH5py() }, (t) => {
    const output = execFileSync(python, [folder + 'read_digit_struct.py', path], { encoding: 'utf8' })
    t.same([...readDigitStruct(path)].map(({ name, boxes }) => ({ name, boxes })), JSON.parse(output))
    t.end()
  })
}

t.test('lists and names that h5py writes in shuffled, deflated chunks', { skip: withoutH5py() }, (t) => {
  const path = join(t.testdir(), 'digitStruct.mat')
  const written = execFileSync(python, [folder + 'write_digit_struct.py', path], { encoding: 'utf8' })
  t.same([...readDigitStruct(path)].map(({ name, boxes }) => ({ name, boxes })), JSON.parse(written))
  t.end()
})

function withoutH5py(): string | false {
  try {
    execFileSync(python, ['-c', 'import h5py'], { stdio: 'ignore' })
    return false
  } catch {
    return 'no python3-h5py here'
  }
}
