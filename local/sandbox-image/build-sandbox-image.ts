import Docker from 'dockerode'
import { ensureSandboxImage } from './ensure-sandbox-image.ts'

/** `node local/sandbox-image/build-sandbox-image.ts`: builds the image by hand, and prints its name. */
const name = await ensureSandboxImage({ docker: new Docker(), onProgress: (line) => process.stderr.write(`${line}\n`) })
process.stdout.write(`${name}\n`)
