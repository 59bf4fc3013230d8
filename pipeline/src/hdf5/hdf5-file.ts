// An HDF5 file as this package sees it: objects by address. Only the subset that MATLAB v7.3 writes
// is read (user block, old-style groups, object references, numbers; plus the compact groups and
// headers of newer files); all else is a PIPE_HDF5_UNSUPPORTED, never a guess.
//
// An object reference *is* the address of an object header, so following one costs one lookup.
// (Libraries that look the object's name up first need a search of the whole file for each.)

import { FileBytes } from './file-bytes.js'
import { readDataset, toNumbers, toReferences, type Dataset } from './dataset.js'
import { readLinks, type Links } from './group.js'
import { readObjectHeader } from './object-header.js'
import { readSuperblock } from './superblock.js'

export interface Hdf5Group {
  readonly kind: 'group'
  readonly address: number
  readonly links: Links
}

export interface Hdf5Dataset extends Dataset {
  readonly kind: 'dataset'
}

/** An open HDF5 file; `close` it. */
export class Hdf5File {
  readonly path: string
  readonly #bytes: FileBytes
  readonly #rootAddress: number

  /**
   * `shownPath` stands in messages.
   * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_HDF5_DAMAGED, PIPE_HDF5_UNSUPPORTED
   */
  constructor(path: string, shownPath = path) {
    this.path = shownPath
    this.#bytes = new FileBytes(path, shownPath)
    try {
      this.#rootAddress = readSuperblock(this.#bytes)
    } catch (error) {
      this.#bytes.close()
      throw error
    }
  }

  /** @throws PipelineError PIPE_HDF5_DAMAGED, PIPE_HDF5_UNSUPPORTED */
  root(): Hdf5Group {
    const root = this.object(this.#rootAddress, 0)
    if (root.kind !== 'group') throw this.#bytes.damaged(this.#rootAddress, 'the root group', 'a dataset')
    return root
  }

  /**
   * The object whose header stands at `address`: an address from a group's links or from a reference.
   * A dataset is read whole; one of more than `maxCount` elements is refused.
   * @throws PipelineError PIPE_HDF5_DAMAGED, PIPE_HDF5_UNSUPPORTED
   */
  object(address: number, maxCount: number): Hdf5Group | Hdf5Dataset {
    const header = readObjectHeader(this.#bytes, address)
    const dataset = readDataset(this.#bytes, header, maxCount)
    if (dataset !== undefined) return { kind: 'dataset', ...dataset }
    const links = readLinks(this.#bytes, header)
    if (links === undefined) throw this.#bytes.damaged(address, 'a group or a dataset', 'an object that is neither')
    return { kind: 'group', address, links }
  }

  /**
   * A dataset's elements as numbers.
   * @throws PipelineError PIPE_HDF5_DAMAGED if they are references
   */
  numbers(dataset: Dataset): number[] {
    return toNumbers(this.#bytes, dataset)
  }

  /**
   * A dataset's elements as addresses; undefined for an empty reference.
   * @throws PipelineError PIPE_HDF5_DAMAGED if they are numbers
   */
  references(dataset: Dataset): (number | undefined)[] {
    return toReferences(this.#bytes, dataset)
  }

  close(): void {
    this.#bytes.close()
  }
}
