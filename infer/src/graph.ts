// The network as data: named nodes in topological order, NHWC, one list for training, export and
// inference. Weights lie beside it by name (`conv1/kernel`), so the same graph can be initialised,
// trained, saved and served. Shapes leave out the batch dimension unless they say [n, …].

/** One operation. `input` names the node (or graph input) whose value it takes. */
export type GraphNode =
  | Conv2dNode
  | DenseNode
  | BatchNormNode
  | ReluNode
  | MaxPool2dNode
  | FlattenNode
  | DropoutNode
  | SliceNode
  | SoftmaxNode

interface NodeBase {
  readonly name: string
  readonly input: string
}

/**
 * 'same' pads with zeros so that out = ceil(in / stride); where the total is odd, the extra row or
 * column is at the bottom or right (TensorFlow's rule). 'valid' pads nothing.
 */
export type Padding = 'same' | 'valid'

/** Cross-correlation. Weights: `kernel` [kh, kw, inChannels, filters], `bias` [filters] if `bias`. */
export interface Conv2dNode extends NodeBase {
  readonly op: 'conv2d'
  readonly filters: number
  readonly kernelSize: readonly [height: number, width: number]
  readonly strides: readonly [vertical: number, horizontal: number]
  readonly padding: Padding
  readonly bias: boolean
}

/** y = x·kernel + bias. Weights: `kernel` [inUnits, units], `bias` [units] if `bias`. */
export interface DenseNode extends NodeBase {
  readonly op: 'dense'
  readonly units: number
  readonly bias: boolean
}

/**
 * y = gamma·(x − mean)/√(variance + epsilon) + beta over the last axis. Weights `gamma` and `beta`
 * are trained; `mean` and `variance` are the moving statistics, used at inference.
 * Ioffe and Szegedy, "Batch Normalization", 2015, algorithms 1 and 2.
 */
export interface BatchNormNode extends NodeBase {
  readonly op: 'batchNorm'
  readonly epsilon: number
}

/** max(x, 0). */
export interface ReluNode extends NodeBase {
  readonly op: 'relu'
}

/** The largest value of each window; padded places never win. */
export interface MaxPool2dNode extends NodeBase {
  readonly op: 'maxPool2d'
  readonly poolSize: readonly [height: number, width: number]
  readonly strides: readonly [vertical: number, horizontal: number]
  readonly padding: Padding
}

/** [h, w, c] → [h·w·c], row by row, channels last. */
export interface FlattenNode extends NodeBase {
  readonly op: 'flatten'
}

/** Training: zeroes a share `rate` of the values and divides the rest by 1 − rate. Inference: nothing. */
export interface DropoutNode extends NodeBase {
  readonly op: 'dropout'
  readonly rate: number
}

/** A run of the last axis: [begin, begin + size). */
export interface SliceNode extends NodeBase {
  readonly op: 'slice'
  readonly begin: number
  readonly size: number
}

/** exp(xᵢ − max)/Σ over the last axis. */
export interface SoftmaxNode extends NodeBase {
  readonly op: 'softmax'
}

/** How raw 8-bit RGB becomes the input tensor: steps in order, each a pure function (preprocess.ts). */
export type PreprocessStep =
  /** Antialiased bilinear (a triangle filter as wide as the scale when shrinking); aspect not kept. */
  | { readonly step: 'resize'; readonly width: number; readonly height: number }
  /** The middle of the image; training takes a random place instead. Offsets are floor((in − out)/2). */
  | { readonly step: 'crop'; readonly width: number; readonly height: number }
  /** 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), not rounded. */
  | { readonly step: 'grey' }
  /** (x − image mean) / max(image standard deviation, 1/√(number of values)). */
  | { readonly step: 'standardise' }
  /** (x − mean[c]) · scale[c]. */
  | { readonly step: 'normalise'; readonly mean: readonly number[]; readonly scale: readonly number[] }

/** What the outputs mean, so that `predict` can answer in words. */
export type Task =
  /** Goodfellow et al. 2014: a length head (0 … maxLength, more) and one head a digit (0-9, blank = 10). */
  | { readonly kind: 'digits'; readonly lengthOutput: string; readonly digitOutputs: readonly string[] }
  | { readonly kind: 'class'; readonly output: string; readonly classNames: readonly string[] }

export interface Graph {
  readonly format: 'millrace-graph'
  readonly version: 1
  /** The architecture's name, e.g. `svhn-digits`. */
  readonly name: string
  readonly input: { readonly name: string; readonly shape: readonly [height: number, width: number, channels: number] }
  readonly nodes: readonly GraphNode[]
  /** Names of the nodes whose values are the answer. */
  readonly outputs: readonly string[]
  readonly preprocessing: readonly PreprocessStep[]
  readonly task: Task
}

/** One weight: its full name, shape, and whether an optimiser changes it. */
export interface WeightSpec {
  /** `${node.name}/${kernel | bias | gamma | beta | mean | variance}` */
  readonly name: string
  readonly shape: readonly number[]
  readonly trainable: boolean
}
