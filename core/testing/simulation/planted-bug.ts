/** Mistakes that somebody might make. The simulation is worth its time only if it catches each of them. */
export const PLANTED_BUGS = [
  /** Appends are taken under any epoch. */
  'epoch_unchecked',
  /** A second delivery of a job claims a turn that runs already. */
  'claim_unchecked',
  /** The sandbox runs a number that it has seen. */
  'call_repeated',
  /** A tool runs before its call is in the log. */
  'call_logged_late',
  /** A new sandbox is worked in before the log, and with it the claim, knows of it. */
  'sandbox_unrecorded',
  /** Wakes are lost, and nobody looks for turns that should run. */
  'no_sweep',
  /** A session ends without asking, under its lock, whether a message came. */
  'unread_unguarded',
  /** The true figure of a late holder is charged on top of the presumed one. */
  'correction_added',
  /** What a dead worker held is let go as if the call had cost nothing. */
  'unknown_is_free',
  /** Each call is held to the cap alone, without what the others hold. */
  'holds_uncounted',
  /** An answer commits first, and what it cost after it. */
  'answer_unsettled',
] as const

export type PlantedBug = (typeof PLANTED_BUGS)[number]
export type Bugs = ReadonlySet<PlantedBug>
