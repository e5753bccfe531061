// The real Bluesky personal data server on loopback. Its settings come by environment; the folder
// to work in holds node_modules. Prints READY and its address.
const pds = require(require.resolve('@atproto/pds', { paths: [process.cwd()] }))

async function main() {
  const env = pds.readEnv()
  const server = await pds.PDS.create(pds.envToCfg(env), pds.envToSecrets(env))
  await server.start()
  process.on('SIGTERM', async () => {
    await server.destroy()
    process.exit(0)
  })
  console.log('READY', server.ctx.cfg.service.publicUrl)
}

main().catch((error) => {
  console.error('FAILED', error)
  process.exit(1)
})
