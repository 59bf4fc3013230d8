export { RecordError, recordErrorCodes, type RecordErrorCode, type RecordErrorDetails } from './errors.js'
