// Exact numbers of bytes from chunks of any size.

/** Reads from an async iterable of chunks, which is asked for no more than is needed. */
export class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #held: Uint8Array[] = []
  #heldBytes = 0
  #position = 0

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#position
  }

  /** The next `count` bytes, fewer where the chunks end. Holds only bytes that have come, so a damaged count costs nothing. */
  async read(count: number): Promise<Buffer> {
    const bytes = await this.peek(count)
    this.#position += bytes.length
    this.#heldBytes -= bytes.length
    const rest = this.#held[0]!.subarray(bytes.length)
    this.#held = rest.length > 0 ? [rest] : []
    return bytes
  }

  /** As `read`, but they stay to be read. */
  async peek(count: number): Promise<Buffer> {
    while (this.#heldBytes < count) {
      const { value, done } = await this.#chunks.next()
      if (done === true) break
      this.#held.push(value)
      this.#heldBytes += value.length
    }
    if (this.#held.length !== 1) this.#held = [Buffer.concat(this.#held)]
    const [held] = this.#held
    return Buffer.from(held!.buffer, held!.byteOffset, Math.min(count, held!.length))
  }

  /** All that is left, in chunks. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#held
    this.#held = []
    for (let next = await this.#chunks.next(); next.done !== true; next = await this.#chunks.next()) yield next.value
  }

  /** Lets the source go. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }
}
