/** Where a worker may die while it builds an environment's set-up, in order. Fault tests kill it at each of them. */
export const BUILD_CRASH_POINTS = ['build_ran', 'build_saved'] as const
export type BuildCrashPoint = (typeof BUILD_CRASH_POINTS)[number]
