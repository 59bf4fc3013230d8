// Shows how far long work has come, on standard error: one line that is drawn over on a terminal,
// else a plain line every few seconds, so that a log stays readable. No colours are used.

import { createLogUpdate } from 'log-update'

export interface ProgressOptions {
  /** How much there is to do, for the time left. Default: unknown. */
  readonly total?: number
  /** Shows nothing. Default false. */
  readonly quiet?: boolean
  /** What is counted, plural. Default "images". */
  readonly unit?: string
  /** Default: standard error. */
  readonly stream?: NodeJS.WriteStream
}

export interface Progress {
  /** So much is done; `extraText` follows the figures, e.g. "2 rejected". Call as often as you like. */
  update(count: number, extraText?: string): void
  /** Shows a line of the caller's own wording instead. */
  show(line: string): void
  /** Prints a line of its own that stays. */
  note(line: string): void
  /** Ends the display; on a terminal the line goes away. */
  done(): void
}

const terminalIntervalMs = 100
const plainIntervalMs = 3000

/** Begins to show progress; the rate counts from now. `label` opens the line, e.g. "pack". */
export function createProgress(label: string, options: ProgressOptions = {}): Progress {
  const { total, quiet = false, unit = 'images', stream = process.stderr } = options
  const isTerminal = stream.isTTY === true && process.env['TERM'] !== 'dumb'
  const intervalMs = isTerminal ? terminalIntervalMs : plainIntervalMs
  const screen = isTerminal && !quiet ? createLogUpdate(stream, { showCursor: true }) : undefined
  const startedAt = performance.now()
  let shownAt = isTerminal ? -Infinity : startedAt
  const isDue = (): boolean => !quiet && performance.now() - shownAt >= intervalMs
  const show = (line: string): void => {
    if (!isDue()) return
    shownAt = performance.now()
    if (screen) screen(line)
    else stream.write(`${line}\n`)
  }
  return {
    update(count, extraText) {
      if (!isDue()) return
      const seconds = (performance.now() - startedAt) / 1000
      show([label, ...figures(count, total, unit, seconds), ...(extraText ? [extraText] : [])].join('  '))
    },
    show,
    note(line) {
      screen?.clear()
      stream.write(`${line}\n`)
      shownAt = isTerminal ? -Infinity : shownAt
    },
    done() {
      screen?.clear()
    },
  }
}

/** Seconds as a person says them: 9 s, 1:05, 2:00:00. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const twoDigits = (value: number): string => `${value}`.padStart(2, '0')
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes}:${twoDigits(whole % 60)}`
  return `${Math.floor(minutes / 60)}:${twoDigits(minutes % 60)}:${twoDigits(whole % 60)}`
}

function figures(count: number, total: number | undefined, unit: string, seconds: number): string[] {
  const rate = seconds > 0 ? count / seconds : 0
  const shownRate = `${rate.toLocaleString('en', { maximumSignificantDigits: 3 })} ${unit}/s`
  if (total === undefined) return [count.toLocaleString('en'), shownRate]
  const left = rate > 0 ? [`${formatDuration(Math.max(0, total - count) / rate)} left`] : []
  return [`${count.toLocaleString('en')}/${total.toLocaleString('en')}`, shownRate, ...left]
}
