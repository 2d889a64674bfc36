/** What people may send and fetch, as the settings say. */
export type FileLimits = {
  /** One file, or what one archive holds unpacked. */
  uploadMaxBytes: number
  archiveMaxEntries: number
  /** Of one tenant: uploads in pieces that are not whole yet. */
  openUploads: number
  /** An upload in pieces that was not gone on with for so long is forgotten. */
  uploadKeepMs: number
  /** Of one tenant, at one api process: bodies on their way in or out. */
  transfers: number
}

/** The settings that concern files, in bytes. */
export const toFileLimits = (config: {
  uploadMaxMb: number
  archiveMaxEntries: number
  openUploadsMax: number
  uploadKeepMs: number
  transfersMax: number
}): FileLimits => ({
  uploadMaxBytes: config.uploadMaxMb * 1_048_576,
  archiveMaxEntries: config.archiveMaxEntries,
  openUploads: config.openUploadsMax,
  uploadKeepMs: config.uploadKeepMs,
  transfers: config.transfersMax,
})
