// The files of a network, which nobody vouches for: read whole, and only those that lie together.

import { open, realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { maxFileBytes } from './limits.js'
import { shown, type Fail } from './network-file.js'

/** The path of a file that a file names: a name within its folder, by links as well. */
export async function pathWithin(folder: string, name: string, fail: Fail): Promise<string> {
  const refuse = (): never => fail('TRAIN_NETWORK_UNSUPPORTED', `names a file of weights ${shown(name)}, which lies outside its folder; put it beside the network`)
  if (name === '' || isAbsolute(name) || /[\\\0]|^[a-z]+:/i.test(name) || name.split('/').includes('..')) return refuse()
  const path = join(folder, name)
  const [realFolder, realPath] = await Promise.all([realpath(folder || '.'), realpath(path)]).catch((error: Error) => fail('TRAIN_NETWORK_FILE', `its file of weights ${shown(name)} cannot be read: ${error.message}`, error))
  const inside = relative(realFolder!, realPath!)
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? refuse() : path
}

/** A file's bytes, after a look at its kind and size: a pipe would never end. */
export async function readWhole(path: string, fail: Fail): Promise<Uint8Array> {
  try {
    const file = await open(path)
    try {
      const { size } = await file.stat().then((found) => (found.isFile() ? found : Promise.reject(new Error('it is not a plain file'))))
      if (size > maxFileBytes) throw new Error(`it has ${size} bytes, at most ${maxFileBytes} are read`)
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    return fail('TRAIN_NETWORK_FILE', `${path} cannot be read: ${(error as Error).message}`, error)
  }
}
