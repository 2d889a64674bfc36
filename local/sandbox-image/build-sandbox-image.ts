import Docker from 'dockerode'
import { ensureSandboxImage } from './ensure-sandbox-image.ts'

/** `node local/sandbox-image/build-sandbox-image.ts`: builds the image by hand, and prints its name. */
console.log(await ensureSandboxImage({ docker: new Docker(), onProgress: (line) => console.error(line) }))
