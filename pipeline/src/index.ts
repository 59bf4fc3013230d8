export { PipelineError, pipelineErrorCodes, type PipelineErrorCode, type PipelineErrorDetails } from './errors.js'
