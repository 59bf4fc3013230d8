// Millrace through its public API: the model folder, compiled when it is loaded.

import { loadModel } from '../../../infer/dist/index.js'

export async function load({ folder, batch }) {
  const model = await loadModel(folder, { batch })
  return {
    prepare: (images) => images,
    infer: (images) => model.run(images, batch),
  }
}
