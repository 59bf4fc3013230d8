// Many 64-bit digests, 8 bytes each (16 while it grows), for what is asked of every image of a data set.

export class DigestList {
  #count = 0
  #digests = new BigUint64Array(16)

  get count(): number {
    return this.#count
  }

  add(digest: bigint): void {
    if (this.#count === this.#digests.length) {
      const grown = new BigUint64Array(this.#count * 2)
      grown.set(this.#digests)
      this.#digests = grown
    }
    this.#digests[this.#count++] = digest
  }

  /** In ascending order; the list's own memory. */
  sorted(): BigUint64Array {
    return this.#digests.subarray(0, this.#count).sort()
  }
}
