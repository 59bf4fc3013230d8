// The learning rate of each step, as a pure function, so that a resumed run goes on where it stopped.

export type ScheduleConfig =
  | { readonly kind: 'constant' }
  /**
   * Rises over `warmUpSteps`, stays flat until `flatShare` of all steps (in a short run until the warm-up
   * is over), then falls along half a cosine to `endShare` of the rate. Loshchilov and Hutter, "SGDR",
   * 2017, eq. 5, without restarts.
   */
  | { readonly kind: 'cosine'; readonly warmUpSteps: number; readonly flatShare: number; readonly endShare: number }

export const defaultSchedule: ScheduleConfig = { kind: 'cosine', warmUpSteps: 50, flatShare: 0.3, endShare: 0.02 }

/** The rate of step `step` (from 0) of `totalSteps`, for a base rate. */
export function learningRateAt(config: ScheduleConfig, baseRate: number, step: number, totalSteps: number): number {
  if (config.kind === 'constant') return baseRate
  const { warmUpSteps, flatShare, endShare } = config
  if (step < warmUpSteps) return (baseRate * (step + 1)) / warmUpSteps
  const fallBegins = Math.max(warmUpSteps, flatShare * totalSteps)
  if (step < fallBegins) return baseRate
  const progress = Math.min(1, (step - fallBegins) / Math.max(1, totalSteps - fallBegins))
  return baseRate * (endShare + ((1 - endShare) * (1 + Math.cos(Math.PI * progress))) / 2)
}
