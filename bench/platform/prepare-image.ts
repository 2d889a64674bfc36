import { ensureSandboxImage } from '@longhaul/local/sandbox-image/ensure-sandbox-image.ts'
import Docker from 'dockerode'

/** The platform's sandbox image, built where it is missing. */
export const prepareImage = (): Promise<string> =>
  ensureSandboxImage({ docker: new Docker(), onProgress: (line) => process.stderr.write(`${line}\n`) })
