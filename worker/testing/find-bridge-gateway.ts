import type Docker from 'dockerode'

/** The machine's address as containers on the engine's bridge see it. An engine that has just made the bridge names its subnet alone. */
export const findBridgeGateway = async (docker: Docker): Promise<string> => {
  const { IPAM } = await docker.getNetwork('bridge').inspect()
  const { Gateway, Subnet } = (IPAM?.Config?.[0] ?? {}) as { Gateway?: string; Subnet?: string }
  const gateway = Gateway ?? Subnet?.replace(/\.0\/\d+$/, '.1')
  if (gateway === undefined) throw new Error('the engine does not say where its bridge is')
  return gateway
}
