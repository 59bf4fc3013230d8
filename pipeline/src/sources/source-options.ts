// What the sources can be told, in one place: the command line has one set of flags for all formats.
// registry.ts says which format reads which.

import type { PixelBox } from '../images/raw-image.js'
import type { LabelKind } from '../label.js'

export interface SourceOptions {
  /**
   * Where the images are: a folder, a .zip, a .tar or a .tar.gz. Default: the folder of the annotation
   * file; the data set itself where it is a folder or an archive.
   */
  readonly images?: string
  /** The folder inside `images` that names begin from. Default: the top. */
  readonly root?: string
  /** Follow symbolic links in a folder wherever they lead. Default false. */
  readonly followLinks?: boolean
  /** A file with the class names, one a line, the first is class 0. Default: the names found, sorted by code point. */
  readonly classNames?: string
  /** folder: every image is of class 0, whatever folder it lies in. Default: only where no image lies in a sub-folder. */
  readonly flat?: boolean
  /** folder: endings of image files, with the dot. Default: those of the formats that decode. */
  readonly extensions?: readonly string[]
  /** list: how many labels each line has; of more, the first count. 0: as many as each line has. Default: those of the first line. */
  readonly labelWidth?: number
  /** list: whose rules the lines follow. Default 'im2rec.py'. */
  readonly listFlavour?: 'im2rec.py' | 'im2rec.cc'
  /** csv: the column with the image's name. Default 'image'. */
  readonly imageColumn?: string
  /** csv: the column with the class; several columns of numbers make a label of values. Default ['label']. */
  readonly labelColumns?: readonly string[]
  /** csv: the columns of a box, [xmin, ymin, xmax, ymax]; rows of one image then make one sample. Default: no boxes. */
  readonly boxColumns?: readonly [string, string, string, string]
  /** csv: what boxes are measured in. Default: 'share' if no coordinate of the table is above 1, else 'pixels'. */
  readonly boxUnit?: BoxUnit
  /** csv with boxes: the columns of the image's [width, height]. Default: the image's own header. */
  readonly sizeColumns?: readonly [string, string]
  /** csv: what stands between fields. Default: the one of , ; tab | that gives the first line the most columns. */
  readonly delimiter?: string
  /** Which of the data set's own parts: the format says which it has, and its default. */
  readonly split?: string
  /** Which label, of formats with several to give; the format says which, and its default. */
  readonly task?: string
  /**
   * Only these classes, numbered in this order; boxes of other classes are left out, and images with none
   * of these. For every format with named classes. Default: all classes.
   */
  readonly classes?: readonly string[]
  /** tables: only the rows with these values; all must hold. Default: all rows. */
  readonly where?: readonly ColumnValue[]
  /** Of what is drawn at random: another seed gives another division. From 0. Default 42. */
  readonly seed?: number
  /**
   * What becomes of an image with a box that is inverted, empty or outside: 'reject' lists the image, 'drop'
   * packs it without that box and counts the box. Default 'reject'; 'drop' for dlib-xml.
   */
  readonly badBoxes?: 'reject' | 'drop'
  /** fer2013: the votes of FER+, fer2013new.csv. Default: that name beside the table. */
  readonly votes?: string
  /** tfrecord: the feature with the encoded image, default 'image/encoded'. webdataset: the ending of its file, default any image's. */
  readonly imageKey?: string
  /** tfrecord: the feature with the label, default label, image/object/bbox or image/class/label. webdataset: the field in .json, default 'label'. */
  readonly labelKey?: string
  /** tfrecord, webdataset: what the labels are. Default: what the first sample says, else 'class' for one whole number, 'values' for others. */
  readonly labelKind?: LabelKind
  readonly signal?: AbortSignal
}

export interface ColumnValue {
  readonly column: string
  readonly value: string
}

/** Pixels from the top left corner, or shares (0..1) of the image's width and height. */
export type BoxUnit = 'pixels' | 'share'

/** The size of an image in pixels. */
export type PixelSize = Pick<PixelBox, 'width' | 'height'>
