// How many images make a batch for a packing thread: as many as take some milliseconds, which is much
// beside the cost of a message, a tenth of one, and little enough to keep what is in work small.

export const batchMs = 4
const mostImages = 32

export class BatchSize {
  #meanMs = batchMs

  /** 1 until images are known to be small. */
  get images(): number {
    return Math.max(1, Math.min(mostImages, Math.floor(batchMs / this.#meanMs)))
  }

  /** Tells how long a batch took; what goes beyond a quick estimate is cut off by the thread itself. */
  note(ms: number, images: number): void {
    this.#meanMs += 0.2 * (ms / images - this.#meanMs)
  }
}
