// A real third-party server for resumable uploads as Google's, on loopback: node uploads.cjs FOLDER
// The folder to work in holds node_modules. Prints READY and its port.
//
// POST /control {"breakOff": n} cuts the connection within the n-th PUT that carries bytes;
// {"loseAnswer": true} cuts it instead of answering the PUT that completes a file. GET /control
// tells what is complete.
const crypto = require('crypto')
const http = require('http')
const { Uploadx, DiskStorage } = require(
  require.resolve('@uploadx/core', { paths: [process.cwd()] }),
)

const UPLOADS = ['/resumable/upload/youtube/v3/videos', '/upload/youtube/v3/videos']
const BREAK_AFTER_BYTES = 100_000
// By id: a server tells of a complete file again when it is asked again.
const complete = new Map()
let orders = { breakOff: 0, loseAnswer: false }
let puts = 0

const storage = new DiskStorage({
  directory: process.argv[2],
  maxUploadSize: '1GB',
  allowMIME: ['video/*'],
  logLevel: 'error',
  onCreate: () => ({ statusCode: 200 }),
  onComplete: (file) => {
    const id = 'v' + crypto.createHash('sha1').update(file.id).digest('hex').slice(0, 10)
    const { snippet, status } = file.metadata
    complete.set(id, { id, bytes: file.size, snippet, status })
    return { statusCode: 200, body: { kind: 'youtube#video', id, snippet, status } }
  },
})
const uploads = new Uploadx({ storage })
// An upload's id comes from its name: without a name of its own, two sessions would be one.
const metadata = uploads.getMetadata.bind(uploads)
uploads.getMetadata = async (req) => ({ ...(await metadata(req)), name: crypto.randomUUID() + '.mp4' })

function control(req, res) {
  let body = ''
  req.on('data', (piece) => (body += piece))
  req.on('end', () => {
    if (req.method === 'POST') {
      orders = { ...orders, ...JSON.parse(body) }
      puts = 0
    }
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ complete: [...complete.values()] }))
  })
}

const server = http.createServer((req, res) => {
  if (req.url === '/control') return control(req, res)
  if (!UPLOADS.some((path) => req.url.startsWith(path))) {
    res.statusCode = 404
    return res.end()
  }
  const carries = req.method === 'PUT' && Number(req.headers['content-length']) > 0
  if (carries && ++puts === orders.breakOff) {
    // Watch the socket, not the request's stream: reading that would eat the bytes.
    const before = req.socket.bytesRead
    const watch = setInterval(() => {
      if (req.socket.bytesRead - before < BREAK_AFTER_BYTES) return
      clearInterval(watch)
      req.socket.destroy()
    }, 1)
  }
  const writeHead = res.writeHead.bind(res)
  res.writeHead = (status, ...more) => {
    if (carries && status === 200 && orders.loseAnswer) {
      orders.loseAnswer = false
      req.socket.destroy()
      return res
    }
    // Google answers 200 to the opening of a session.
    return writeHead(status === 201 ? 200 : status, ...more)
  }
  uploads.handle(req, res)
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address()
  storage.config.baseUrl = `http://127.0.0.1:${port}`
  console.log('READY', port)
})
