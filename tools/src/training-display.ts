// Shows a training run on standard error: a progress line that is drawn over, and a line that stays for
// each epoch.

import type { EpochProgress, ResumeProgress, StepProgress, TrainProgress } from '@millrace/train'
import { createProgress, formatDuration, type Progress } from './progress.js'

export interface TrainingDisplay {
  readonly show: (progress: TrainProgress) => void
  readonly done: () => void
}

/** `quiet` leaves only what a person must know: checkpoints that could not be read. */
export function createTrainingDisplay({ quiet }: { readonly quiet: boolean }): TrainingDisplay {
  let progress: Progress | undefined
  return {
    show: (event) => {
      progress ??= createProgress('train', { quiet })
      if (event.kind === 'steps') progress.show(stepLine(event))
      else if (!quiet) progress.note(event.kind === 'epoch' ? epochLine(event) : resumeLine(event))
      if (event.kind === 'resumed') for (const message of event.damaged) progress.note(`passed over: ${message}`)
    },
    done: () => progress?.done(),
  }
}

function resumeLine({ epoch, epochs, step }: ResumeProgress): string {
  return `going on after epoch ${epoch}/${epochs}, step ${step}`
}

function stepLine({ epoch, epochs, step, totalSteps, loss, learningRate, imagesPerSecond, secondsLeft, waitingShare }: StepProgress): string {
  return [
    `epoch ${epoch}/${epochs}`,
    totalSteps > 0 ? `step ${step}/${totalSteps}` : `step ${step}`,
    `${Math.round(imagesPerSecond)} images/s`,
    `loss ${loss.toFixed(3)}`,
    `rate ${learningRate.toPrecision(3)}`,
    ...(waitingShare > 0.05 ? [`${Math.round(100 * waitingShare)} % waiting for data`] : []),
    ...(secondsLeft === undefined ? [] : [`${formatDuration(secondsLeft)} left`]),
  ].join('  ')
}

function epochLine({ epoch, epochs, step, loss, seconds, validation, isBest }: EpochProgress): string {
  const measured = validation
    ? `  validation: loss ${validation.loss.toFixed(3)}  accuracy ${(100 * validation.accuracy).toFixed(1)} %${isBest ? ' (best)' : ''}`
    : ''
  return `epoch ${epoch}/${epochs}  step ${step}  ${formatDuration(seconds)}  loss ${loss.toFixed(3)}${measured}`
}
