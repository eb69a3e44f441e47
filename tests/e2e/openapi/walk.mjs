// SPDX-License-Identifier: Apache-2.0
// Asks a running gateway what its OpenAPI document describes and holds every answer against the document's schema, with
// ajv. Prints what it asked; fails for an answer that does not fit, and for an operation that it never asked.
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

const base = process.env.VCITY_GATEWAY
const facts = JSON.parse(process.env.VCITY_FACTS)
const document = await (await fetch(`${base}/openapi.json`)).json()

const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true, allowUnionTypes: true })
addFormats(ajv)
ajv.addVocabulary(['openapi', 'info', 'servers', 'tags', 'paths', 'components'])
ajv.addSchema(document, 'document')

const failures = []
const asked = new Map()

function resolve(node) {
  return node.$ref ? node.$ref.slice(2).split('/').reduce((at, name) => at[name], document) : node
}

function pointer(parts) {
  return 'document#/' + parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')
}

function schemaOf(path, method, status) {
  const responses = document.paths[path][method].responses
  const name = responses[status] ? String(status) : 'default'
  const response = resolve(responses[name])
  const inline = !responses[name].$ref
  const type = Object.keys(response.content ?? {})[0]
  if (type !== 'application/json' || !response.content[type].schema) return null
  const place = inline ? ['paths', path, method, 'responses', name] : ['components', 'responses', 'Refusal']
  return ajv.getSchema(pointer([...place, 'content', type, 'schema']))
}

// One request; status: what it must be. The answer's body.
async function ask(method, path, { status = 200, values = {}, query = '', body, form, auth = 'key' } = {}) {
  const target = path.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? 'x')
  const headers = {}
  if (auth !== 'none') headers.authorization = `Bearer ${auth === 'admin' ? facts.admin : facts.key}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  const answer = await fetch(base + target + query, { method, headers, body: form ?? (body && JSON.stringify(body)) })
  const text = await answer.text()
  const where = `${method} ${target}${query} -> ${answer.status}`
  asked.set(`${method.toLowerCase()} ${path}`, answer.status)
  if (answer.status !== status) failures.push(`${where}, not ${status}: ${text.slice(0, 300)}`)
  const operation = document.paths[path]?.[method.toLowerCase()]
  if (!operation) {
    failures.push(`${where}: not in the document`)
    return null
  }
  if (answer.headers.get('x-request-id') === null) failures.push(`${where}: no x-request-id`)
  const validate = schemaOf(path, method.toLowerCase(), answer.status)
  if (!validate) return text
  const json = JSON.parse(text)
  if (!validate(json)) {
    failures.push(`${where}: ${ajv.errorsText(validate.errors)}\n  ${text.slice(0, 600)}`)
  }
  return json
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms))
async function until(condition, what) {
  for (let tries = 0; tries < 200; ++tries) {
    const value = await condition()
    if (value) return value
    await wait(200)
  }
  throw new Error(`not in time: ${what}`)
}

// --- models
const models = await ask('GET', '/v1/models')
const model = models.data[0].id
await ask('GET', '/v1/models/{id}', { values: { id: model } })
await ask('GET', '/v1/models/{id}', { values: { id: 'no/such' }, status: 404 })
const messages = [{ role: 'user', content: 'What is free software?' }]
const chat = await ask('POST', '/v1/chat/completions', { body: { model, messages, max_tokens: 8, seed: 7 } })
await ask('POST', '/v1/chat/completions', { body: { model, messages: 3 }, status: 400 })
await ask('POST', '/v1/completions', { body: { model, prompt: 'Free software is', max_tokens: 4 } })
await ask('GET', '/v1/key')
const query = `?id=${chat.id}`
const settled = await until(async () => {
  const record = await ask('GET', '/v1/generation', { query })
  return record.data.state === 'settled' ? record.data : null
}, 'the generation to settle')
const proof = await ask('GET', '/api/v1/receipts/{hash}', { values: { hash: settled.receipt.hash }, auth: 'none' })
if (proof.batch?.transaction !== settled.batch.transaction) failures.push('the receipt names another batch')
await ask('GET', '/api/v1/receipts/{hash}', { values: { hash: '0x' + '0'.repeat(64) }, auth: 'none', status: 404 })

// --- files, batches, fine-tuning
const form = new FormData()
form.set('purpose', 'batch')
const line = { custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body: { model, messages, max_tokens: 4 } }
form.set('file', new Blob([JSON.stringify(line) + '\n'], { type: 'application/jsonl' }), 'one.jsonl')
const file = await ask('POST', '/v1/files', { form })
await ask('GET', '/v1/files')
await ask('GET', '/v1/files/{id}', { values: { id: file.id } })
await ask('GET', '/v1/files/{id}/content', { values: { id: file.id } })
const batch = await ask('POST', '/v1/batches', {
  body: { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' }
})
await ask('GET', '/v1/batches')
await ask('GET', '/v1/batches/{id}', { values: { id: batch.id } })
await until(async () => (await ask('GET', '/v1/batches/{id}', { values: { id: batch.id } })).status === 'completed', 'the batch')
await ask('POST', '/v1/batches/{id}/cancel', { values: { id: 'batch_none' }, status: 404 })
await ask('DELETE', '/v1/files/{id}', { values: { id: file.id } })
await ask('GET', '/v1/fine_tuning/jobs')
await ask('POST', '/v1/fine_tuning/jobs', { body: { model }, status: 400 })
for (const part of ['', '/events', '/checkpoints']) {
  await ask('GET', `/v1/fine_tuning/jobs/{id}${part}`, { values: { id: 'ftjob-none' }, status: 404 })
}
await ask('POST', '/v1/fine_tuning/jobs/{id}/cancel', { values: { id: 'ftjob-none' }, status: 404 })

// --- speech and images (tests/e2e/openai/media.mjs makes some)
const said = { model: 'tts-1', input: 'Hello', voice: 'alloy' }
await ask('POST', '/v1/audio/speech', { body: said, status: 404 })
await ask('POST', '/v1/images/generations', { body: { prompt: 7 }, status: 400 })

// --- jobs
await ask('GET', '/v1/offers', { query: '?q=rentable%3Dtrue&order=dph&limit=5' })
await ask('GET', '/v1/offers', { query: '?q=moon%3D1', status: 400 })
const step = { name: 'main', run: 'sleep 2; echo hello', resources: { cpus: 0.5, memory_gb: 0.125 }, seconds_max: 60 }
const order = { name: 'walk', steps: [step], budget: '0.10', deadline_minutes: 10 }
const job = await ask('POST', '/v1/jobs', { body: order, status: 201 })
const id = job?.id
await ask('GET', '/v1/jobs')
await ask('GET', '/v1/jobs/{id}', { values: { id } })
await ask('GET', '/api/v1/leases')
await ask('GET', '/v1/jobs/{id}/explain', { values: { id } })
await ask('GET', '/v1/jobs/{id}/logs', { values: { id }, query: '?step=main/0' })
await ask('GET', '/v1/jobs/{id}/files', { values: { id } })
await ask('GET', '/v1/jobs/{id}/files/{name}', { values: { id, name: 'none' }, status: 404 })
await ask('GET', '/api/v1/jobs')
for (const part of ['', '/explain', '/files']) await ask('GET', `/api/v1/jobs/{id}${part}`, { values: { id } })
await ask('GET', '/api/v1/jobs/{id}/logs', { values: { id }, query: '?step=main/0' })
await ask('GET', '/api/v1/jobs/{id}/files/{name}', { values: { id, name: 'none' }, status: 404 })
const ended = async () => (await ask('GET', '/v1/jobs/{id}', { values: { id } })).state !== 'active'
await until(ended, 'the job to end')
await ask('DELETE', '/v1/jobs/{id}', { values: { id } })
await ask('DELETE', '/api/v1/jobs/{id}', { values: { id } })
await ask('POST', '/v1/jobs/{id}/links', { values: { id }, body: {}, status: 400 })

// --- the network, without a key
const open = { auth: 'none' }
const network = await ask('GET', '/api/v1/network', open)
await ask('GET', '/api/v1/offers', open)
await until(async () => (await ask('GET', '/api/v1/offers/history', open)).data.length > 0, 'a first price')
await ask('GET', '/api/v1/offers/history', { ...open, query: '?interval=1h&class=cpu' })
await ask('GET', '/api/v1/offers/history', { ...open, query: '?interval=2h', status: 400 })
const nodes = await ask('GET', '/api/v1/nodes', open)
const address = nodes.data[0].address
await ask('GET', '/api/v1/nodes/{address}', { ...open, values: { address } })
for (const name of ['batches', 'totals', 'proposals', 'incentives', 'fees', 'cases']) {
  await ask('GET', `/api/v1/${name}`, open)
}
await ask('GET', '/api/v1/events', { ...open, query: '?limit=1000' })
await ask('GET', '/api/v1/events', { ...open, query: `?address=${address}` })
await ask('GET', '/api/v1/events', { ...open, query: '?kind=batch_posted&limit=3' })
await ask('GET', '/api/v1/events', { ...open, query: '?limit=0', status: 400 })
const client = settled.receipt.client
await ask('GET', '/api/v1/accounts/{address}', { ...open, values: { address: client } })
const caps = await ask('GET', '/api/v1/events', { ...open, query: '?kind=cap_opened' })
await ask('GET', '/api/v1/caps/{id}', { ...open, values: { id: caps.data[0].cap } })
await ask('GET', '/api/v1/stakes/{address}', { ...open, values: { address } })
await ask('GET', '/api/v1/proposals/{id}', { ...open, values: { id: '1' }, status: 404 })
await ask('GET', '/api/v1/proposals/{id}/votes', { ...open, values: { id: '1' } })
await ask('GET', '/api/v1/cases/{id}', { ...open, values: { id: '99' }, status: 404 })
await ask('GET', '/openapi.json', open)
await ask('GET', '/health', open)
await ask('GET', '/ready', open)

await ask('GET', '/api/v1/siwe/nonce', open)
await ask('POST', '/api/v1/siwe/sessions', { ...open, body: { message: 'x', signature: '0x' }, status: 401 })

// --- usage
const start = Math.floor(Date.now() / 1000) - 3600
const usage = await ask('GET', '/v1/organization/usage/completions', {
  query: `?start_time=${start}&bucket_width=1h&group_by[]=model&group_by[]=api_key_id`
})
const tokens = usage.data.flatMap((bucket) => bucket.results).reduce((sum, row) => sum + row.output_tokens, 0)
if (tokens < chat.usage.completion_tokens) failures.push(`usage knows ${tokens} output tokens`)
await ask('GET', '/v1/organization/usage/embeddings', { query: `?start_time=${start}` })
const costs = await ask('GET', '/v1/organization/costs', { query: `?start_time=${start}&group_by=line_item` })
if (!costs.data.some((bucket) => bucket.results.length > 0)) failures.push('no costs')
await ask('GET', '/v1/organization/costs', { status: 400 })
await ask('GET', '/v1/organization/costs', { status: 401, auth: 'none' })

// --- the operator
await ask('GET', '/admin/keys', { auth: 'admin' })
await ask('GET', '/admin/keys', { auth: 'none', status: 401 })
await ask('POST', '/admin/keys', { auth: 'admin', body: {}, status: 400 })
await ask('DELETE', '/admin/keys/{id}', { auth: 'admin', status: 404 })

// Other areas, each with tests of its own: here only that they refuse as the document says.
for (const [path, methods] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    if (asked.has(`${method} ${path}`) || operation.security.length === 0) continue
    const upper = method.toUpperCase()
    await ask(upper, path, { auth: 'none', status: 401, body: ['post', 'patch'].includes(method) ? {} : undefined })
  }
}

const all = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((m) => `${m} ${path}`))
for (const one of all) if (!asked.has(one)) failures.push(`never asked: ${one}`)
console.log(`${asked.size} of ${all.length} operations asked, chain ${network.chain_id}`)
for (const failure of failures) console.error(failure)
process.exit(failures.length === 0 ? 0 : 1)
