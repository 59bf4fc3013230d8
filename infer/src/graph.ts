// The network as data: named nodes in topological order, NHWC, one list for training, export and
// inference. Weights lie beside it by name (`conv1/kernel`), so the same graph can be initialised,
// trained, saved and served. Shapes leave out the batch dimension unless they say [n, …].

/** One operation: of one value (`input`) or of several (`inputs`), named by node or graph input. */
export type GraphNode = UnaryNode | NaryNode

export type UnaryNode =
  | Conv2dNode
  | ConvTranspose2dNode
  | DenseNode
  | BatchNormNode
  | ActivationNode
  | MaxPool2dNode
  | AveragePool2dNode
  | GlobalPool2dNode
  | FlattenNode
  | ReshapeNode
  | TransposeNode
  | PadNode
  | ResizeNode
  | DropoutNode
  | SliceNode
  | SoftmaxNode
  | LocalResponseNormNode
  | SubtractiveNormNode
  | MaxoutNode

export type NaryNode = ArithmeticNode | ConcatNode

interface UnaryBase {
  readonly name: string
  readonly input: string
}

interface NaryBase {
  readonly name: string
  readonly inputs: readonly string[]
}

/** Rows and columns on each side. */
export interface Margins {
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
}

/**
 * 'same' pads so that out = ceil(in / stride); where the total is odd, the extra row or column is at the
 * bottom or right (TensorFlow's rule). 'valid' pads nothing. Margins are what ONNX and PyTorch state.
 * Padded places are zeros to a convolution and never win in a pool.
 */
export type Padding = 'same' | 'valid' | Margins

/**
 * Cross-correlation. Weights: `kernel` [kh, kw, inChannels / groups, filters], `bias` [filters] if `bias`.
 * With as many groups as channels it is a depthwise convolution: filters f·m … f·m + m − 1 read channel f.
 */
export interface Conv2dNode extends UnaryBase {
  readonly op: 'conv2d'
  readonly filters: number
  readonly kernelSize: readonly [height: number, width: number]
  readonly strides: readonly [vertical: number, horizontal: number]
  readonly padding: Padding
  readonly bias: boolean
  /** Group g reads the g-th run of channels and makes the g-th run of filters. Default 1. */
  readonly groups?: number
  /** Distance between neighbouring places of the kernel. Default [1, 1]. */
  readonly dilations?: readonly [vertical: number, horizontal: number]
}

/**
 * The gradient of a convolution with regard to its input: out = (in − 1)·stride + window − margins.
 * Weights: `kernel` [kh, kw, filters, inChannels], `bias` [filters] if `bias`. 'same' gives out = in·stride.
 */
export interface ConvTranspose2dNode extends UnaryBase {
  readonly op: 'convTranspose2d'
  readonly filters: number
  readonly kernelSize: readonly [height: number, width: number]
  readonly strides: readonly [vertical: number, horizontal: number]
  readonly padding: Padding
  readonly bias: boolean
}

/** y = x·kernel + bias. Weights: `kernel` [inUnits, units], `bias` [units] if `bias`. */
export interface DenseNode extends UnaryBase {
  readonly op: 'dense'
  readonly units: number
  readonly bias: boolean
}

/**
 * y = gamma·(x − mean)/√(variance + epsilon) + beta over the last axis. Weights `gamma` and `beta`
 * are trained; `mean` and `variance` are the moving statistics, used at inference.
 * Ioffe and Szegedy, "Batch Normalization", 2015, algorithms 1 and 2.
 */
export interface BatchNormNode extends UnaryBase {
  readonly op: 'batchNorm'
  readonly epsilon: number
}

/** A function of each value by itself. */
export type ActivationNode =
  /** max(x, 0) */
  | (UnaryBase & { readonly op: 'relu' })
  /** min(max(x, min), max); [0, 6] is ReLU6. */
  | (UnaryBase & { readonly op: 'clip'; readonly min: number; readonly max: number })
  /** x where x > 0, else alpha·(eˣ − 1). Clevert et al., 2015. */
  | (UnaryBase & { readonly op: 'elu'; readonly alpha: number })
  /** x where x > 0, else alpha·x */
  | (UnaryBase & { readonly op: 'leakyRelu'; readonly alpha: number })
  /** x where x > 0, else alpha·x with a trained weight `alpha` [channels]. He et al., 2015. */
  | (UnaryBase & { readonly op: 'prelu' })
  /** 1 / (1 + e⁻ˣ) */
  | (UnaryBase & { readonly op: 'sigmoid' })
  | (UnaryBase & { readonly op: 'tanh' })
  /** x·sigmoid(x), also called SiLU. */
  | (UnaryBase & { readonly op: 'swish' })
  /** min(max(alpha·x + beta, 0), 1); ONNX's defaults are 0.2 and 0.5, MobileNetV3 has 1/6 and 0.5. */
  | (UnaryBase & { readonly op: 'hardSigmoid'; readonly alpha: number; readonly beta: number })
  /** x·min(max(x + 3, 0), 6)/6. Howard et al., "Searching for MobileNetV3", 2019. */
  | (UnaryBase & { readonly op: 'hardSwish' })
  /** x·Φ(x), Φ the normal distribution; exact, through erf. Hendrycks and Gimpel, 2016. */
  | (UnaryBase & { readonly op: 'gelu' })

/** The largest value of each window; padded places never win. */
export interface MaxPool2dNode extends UnaryBase {
  readonly op: 'maxPool2d'
  readonly poolSize: readonly [height: number, width: number]
  readonly strides: readonly [vertical: number, horizontal: number]
  readonly padding: Padding
}

/** The mean of each window: over its places in the image, or over all of them with `countPadding`. */
export interface AveragePool2dNode extends UnaryBase {
  readonly op: 'averagePool2d'
  readonly poolSize: readonly [height: number, width: number]
  readonly strides: readonly [vertical: number, horizontal: number]
  readonly padding: Padding
  readonly countPadding: boolean
}

/** [h, w, c] → [c]: the mean, or the largest, of each channel. */
export interface GlobalPool2dNode extends UnaryBase {
  readonly op: 'globalAveragePool2d' | 'globalMaxPool2d'
}

/** [h, w, c] → [h·w·c], row by row, channels last. */
export interface FlattenNode extends UnaryBase {
  readonly op: 'flatten'
}

/** The same values in the same order, in another shape. */
export interface ReshapeNode extends UnaryBase {
  readonly op: 'reshape'
  readonly shape: readonly number[]
}

/** Axis i of the result is axis axes[i] of the input; the batch is not counted. */
export interface TransposeNode extends UnaryBase {
  readonly op: 'transpose'
  readonly axes: readonly number[]
}

/** Puts margins of one value round [h, w, c]. */
export interface PadNode extends UnaryBase {
  readonly op: 'pad'
  readonly margins: Margins
  readonly value: number
}

/**
 * Scales [h, w, c] to a size. A place of the result lies at (x + ½)·in/out − ½ of the input ('half-pixel'),
 * x·in/out ('asymmetric') or x·(in − 1)/(out − 1) ('align-corners'). 'nearest' takes the place rounded
 * (half-pixel: halves go down) or, asymmetric, rounded down; 'bilinear' clamps at the edges and does not antialias.
 */
export interface ResizeNode extends UnaryBase {
  readonly op: 'resize'
  readonly height: number
  readonly width: number
  readonly method: 'nearest' | 'bilinear'
  readonly coordinates: 'half-pixel' | 'asymmetric' | 'align-corners'
}

/** Training: zeroes a share `rate` of the values and divides the rest by 1 − rate. Inference: nothing. */
export interface DropoutNode extends UnaryBase {
  readonly op: 'dropout'
  readonly rate: number
}

/** A run of the last axis: [begin, begin + size). */
export interface SliceNode extends UnaryBase {
  readonly op: 'slice'
  readonly begin: number
  readonly size: number
}

/** exp(xᵢ − max)/Σ over the last axis. */
export interface SoftmaxNode extends UnaryBase {
  readonly op: 'softmax'
}

/**
 * x / (bias + alpha/size · Σ x²)^beta, the sum over the `size` channels round each (⌊(size − 1)/2⌋ before it,
 * the rest after). Krizhevsky et al., 2012, with ONNX's scaling of alpha.
 */
export interface LocalResponseNormNode extends UnaryBase {
  readonly op: 'localResponseNorm'
  readonly size: number
  readonly alpha: number
  readonly beta: number
  readonly bias: number
}

/**
 * x minus the mean of the size x size places round it over all channels, weighted by a Gaussian of standard
 * deviation size/4; near the border the weights of the places inside add up to 1.
 * Jarrett et al., "What is the best multi-stage architecture for object recognition?", 2009.
 */
export interface SubtractiveNormNode extends UnaryBase {
  readonly op: 'subtractiveNorm'
  readonly size: number
}

/** [.., c·pieces] → [.., c]: the largest of each run of `pieces` channels. Goodfellow et al., 2013. */
export interface MaxoutNode extends UnaryBase {
  readonly op: 'maxout'
  readonly pieces: number
}

/** Of two values of as many axes, one by one; an axis of 1 is repeated to the other's size. */
export interface ArithmeticNode extends NaryBase {
  readonly op: 'add' | 'subtract' | 'multiply'
}

/** Values side by side along the last axis; the other axes are the same. */
export interface ConcatNode extends NaryBase {
  readonly op: 'concat'
}

/** The values that a node reads, by name. */
export function nodeInputs(node: GraphNode): readonly string[] {
  return 'inputs' in node ? node.inputs : [node.input]
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
  /** The outputs as they are, for a program that knows what they mean. */
  | { readonly kind: 'tensors' }

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
