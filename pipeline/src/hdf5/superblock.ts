// The superblock: where an HDF5 file begins and where its root group is.
// HDF5 File Format Specification 3.0, II.A.
//
//   version 0, 1                              version 2, 3
//   8   signature \x89HDF\r\n\x1a\n           8  signature
//   5   versions (superblock first)           1  version
//   1   size of offsets                       1  size of offsets
//   1   size of lengths                       1  size of lengths
//   9   reserved, group k's, flags            1  flags
//   4   only in version 1                     8  base address
//   8   base address                          8  extension address
//   8   free-space address                    8  end of file
//   8   end of file                           8  address of the root's object header
//   8   driver information                    4  checksum
//   8   root entry: name offset
//   8   root entry: address of the object header
//
// It stands at byte 0, 512, 1024, 2048 …: MATLAB puts 512 bytes of its own before it.

import { PipelineError } from '../errors.js'
import { Cursor } from './cursor.js'
import type { FileBytes } from './file-bytes.js'

const signature = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')
const maxSuperblockBytes = 104

/**
 * Finds the superblock, sets `file.base` to it and gives the address of the root group.
 * @throws PipelineError PIPE_HDF5_DAMAGED, PIPE_HDF5_UNSUPPORTED
 */
export function readSuperblock(file: FileBytes): number {
  file.base = findSignature(file)
  const cursor = file.cursor(0, Math.min(maxSuperblockBytes, file.sizeBytes - file.base), 'superblock')
  cursor.skip(signature.length)
  const version = cursor.u8()
  if (version > 3) throw file.unsupported(0, `HDF5 superblock version ${version}`)
  return version < 2 ? readVersion0(file, cursor, version) : readVersion2(file, cursor)
}

function readVersion0(file: FileBytes, cursor: Cursor, version: number): number {
  cursor.skip(4)
  checkSizes(file, cursor.u8(), cursor.u8())
  cursor.skip(version === 1 ? 13 : 9)
  const base = cursor.length()
  cursor.skip(8)
  checkEnd(file, base, cursor.length())
  cursor.skip(16)
  return cursor.definedAddress()
}

function readVersion2(file: FileBytes, cursor: Cursor): number {
  checkSizes(file, cursor.u8(), cursor.u8())
  cursor.skip(1)
  const base = cursor.length()
  cursor.skip(8)
  checkEnd(file, base, cursor.length())
  return cursor.definedAddress()
}

function checkSizes(file: FileBytes, offsetSize: number, lengthSize: number): void {
  if (offsetSize !== 8 || lengthSize !== 8) throw file.unsupported(0, `HDF5 with addresses of ${offsetSize} and lengths of ${lengthSize} bytes (8 and 8 are read)`)
}

/** The stated end counts from the start of the file, user block included (as the HDF5 library writes it). */
function checkEnd(file: FileBytes, statedBase: number, statedEnd: number): void {
  const end = statedEnd - statedBase + file.base
  if (end > file.sizeBytes) throw file.damaged(0, `a file of ${end} bytes`, `${file.sizeBytes}`)
}

function findSignature(file: FileBytes): number {
  for (let at = 0; at + signature.length <= file.sizeBytes; at = at === 0 ? 512 : at * 2) {
    if (file.view(at, signature.length, 'signature').equals(signature)) return at
  }
  throw new PipelineError('PIPE_HDF5_DAMAGED', `${file.path}: expected an HDF5 file, ${describeStart(file)}`, { path: file.path })
}

function describeStart(file: FileBytes): string {
  const start = file.view(0, Math.min(19, file.sizeBytes), 'start').toString('latin1')
  if (start.startsWith('MATLAB 5.0 MAT-file')) return 'found an older MATLAB file; save it from MATLAB with -v7.3'
  return `found no HDF5 signature in its ${file.sizeBytes} bytes; the file is damaged or something else, fetch it again`
}
