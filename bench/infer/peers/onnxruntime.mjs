// What both builds of onnxruntime have in common.

export function onnxPeer({ Tensor }, session, { shape, batch }) {
  const [height, width, channels] = shape
  return {
    prepare: (images) => new Tensor('float32', toChannelsFirst(images, shape, batch), [batch, channels, height, width]),
    infer: async (image) => new Map(Object.entries(await session.run({ image })).map(([name, { data }]) => [name, data])),
  }
}

/** [batch, h, w, c] → [batch, c, h, w], as the model wants its input. */
function toChannelsFirst(images, [height, width, channels], batch) {
  const turned = new Float32Array(images.length)
  const places = height * width
  for (let image = 0; image < batch; image++) {
    for (let place = 0; place < places; place++) {
      for (let channel = 0; channel < channels; channel++) turned[(image * channels + channel) * places + place] = images[(image * places + place) * channels + channel]
    }
  }
  return turned
}
