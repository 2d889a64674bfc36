/** durable-streams' server on the folder given, as a process of its own; says where it listens. */
import { DurableStreamTestServer } from '@durable-streams/server'

const server = new DurableStreamTestServer({ port: 0, host: '127.0.0.1', dataDir: process.argv[2] ?? '' })
process.send?.(await server.start())
const stop = () => void server.stop().then(() => process.exit(0))
process.once('SIGTERM', stop)
process.once('disconnect', stop)
