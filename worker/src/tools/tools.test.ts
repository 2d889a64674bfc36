import { DockerProvider } from '../sandboxes/docker/docker-provider.ts'
import { createDocker } from '../sandboxes/docker/engine.ts'
import { describeTools } from './tools.contract.ts'

const image = process.env.SANDBOX_IMAGE ?? 'longhaul-sandbox:latest'

describeTools('docker', {
  image,
  open: async () =>
    new DockerProvider({ docker: createDocker(), instance: `tools-${process.pid}`, git: { allowedPrivateHosts: [], caFile: null, image } }),
})
