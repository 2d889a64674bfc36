/** The parent as it stood at the checkpoint: what its forks begin with. */
export type ForkSource = {
  sessionId: string
  agentId: string
  model: string
  judgeModel: string | null
  rubricModels: string[]
  /** Why its files can't be used any more. */
  problem: string | null
  /** The engine that holds its image, where a worker of it answers. */
  engineId: string | null
  hasImage: boolean
  hasArchive: boolean
  budgets: { period: string; setBy: string; limitNanos: string; alertPercents: number[] }[]
}
