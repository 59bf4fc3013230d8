export { TrainError, trainErrorCodes, type TrainErrorCode, type TrainErrorDetails } from './errors.js'
