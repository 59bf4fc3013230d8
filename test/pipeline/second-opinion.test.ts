// h5py reads the real files as we do, where Python and h5py are installed.

import t from 'tap'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { readDigitStruct } from '@millrace/pipeline'
import { realData } from '../support.js'

const script = fileURLToPath(new URL('../../second-opinion/read_digit_struct.py', import.meta.url))
const python = '/usr/bin/python3'

for (const part of ['train', 'test']) {
  const { path, skip } = realData(`svhn/${part}/digitStruct.mat`)
  t.test(`SVHN ${part}: every entry as h5py reads it`, { skip: skip || withoutH5py() }, (t) => {
    const output = execFileSync(python, [script, path], { encoding: 'utf8' })
    t.same([...readDigitStruct(path)].map(({ name, boxes }) => ({ name, boxes })), JSON.parse(output))
    t.end()
  })
}

function withoutH5py(): string | false {
  try {
    execFileSync(python, ['-c', 'import h5py'], { stdio: 'ignore' })
    return false
  } catch {
    return 'no python3-h5py here'
  }
}
