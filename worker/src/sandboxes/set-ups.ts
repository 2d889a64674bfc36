/** What one set-up is run from and bounded by. `script`: run once, as root, by the image's shell. */
export type SetUpSpec = {
  tenantId: string
  buildId: string
  /** What names the image: nothing else may have it. */
  key: string
  baseImageId: string
  script: string
  cpus: number
  memoryMb: number
  /** More than this on its disk ends it. */
  diskMb: number
  timeoutMs: number
}

/** `problem`: for the person who wrote the script. */
export type SetUpEnd = { imageId: string } | { imageId: null; problem: string; exitCode: number | null; failedLine: number | null }

export type SetUpWatch = {
  signal: AbortSignal
  onOutput: (bytes: Buffer) => void
  /** Its script has ended well, and nothing of it is kept yet. */
  onRan: () => void | Promise<void>
}

export type FoundSetUp = { key: string; tenantId: string; imageId: string }

/** Images in which an environment's set-up script has run. One belongs to the tenant whose script it was, and no name of it is accepted from anybody. */
export interface SetUps {
  /** What the name stands for on this engine now; pulled where it is not there. Throws SandboxImageError, SandboxUnavailableError. */
  resolve(image: string, signal: AbortSignal): Promise<string>
  /** The same without pulling: null where the engine has none of that name. */
  look(image: string): Promise<string | null>
  /** What one image is built from, as one word. */
  keyOf(of: { tenantId: string; baseImageId: string; network: string; script: string }): string
  /** The tenant's image under this key, where it was built already. */
  find(of: { tenantId: string; key: string }): Promise<string | null>
  /** Runs the script in a container of its own and keeps what it made as an image. Throws SandboxUnavailableError, or the signal's reason. */
  build(spec: SetUpSpec, watch: SetUpWatch): Promise<SetUpEnd>
  has(imageId: string): Promise<boolean>
  /** All of this installation, by label. */
  list(): Promise<FoundSetUp[]>
  /** What containers are made from stays until they are gone. Idempotent. */
  remove(key: string): Promise<void>
}
