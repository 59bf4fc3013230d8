// @millrace/recordio: what it exports is a promise; a change of this list is a change of the promise.

import t from 'tap'
import * as recordio from '@millrace/recordio'

t.test('the exported values', (t) => {
  t.same(Object.keys(recordio).sort(), [
    'RecordError', 'RecordWriter', 'appendRecords', 'describeRecords', 'diffRecords', 'discardRecords', 'encodeFrames', 'encodeRecord', 'frameMagic',
    'imageSize', 'labelValues', 'maximumPayloadBytes', 'mergeRecords', 'openRecords', 'publishRecords', 'readFrames', 'readRecords',
    'rebuildIndex', 'recordErrorCodes', 'recordWriter', 'repairRecords', 'retractRecords', 'splitRecords', 'summarizeRecords', 'verifyRecords',
  ])
  t.end()
})
