// Anthropic's official JavaScript client.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import {
  answer, cell, checkRetryAfter, drain, env, failure, gatewayCell, gone, majorOf, marker, release, seen, toolAnswer, toolArguments,
} from './harness.mjs';

const major = majorOf('@anthropic-ai/sdk');
const name = `anthropic-js-${major}`;
const at = (prefix, apiKey, more) => new Anthropic({ baseURL: `${env.url}${prefix}`, apiKey, authToken: null, maxRetries: 0, ...more });
const client = at('', env.anthropicKey);
const ask = (model, content, more) => ({ model, max_tokens: 100, messages: [{ role: 'user', content }], ...more });
const tools = ['weather', 'forecast'].map((name) => ({
  name, input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}));
const textOf = (events) => events.map((e) => e.delta?.text ?? '').join('');

cell(name, 'messages', async (probe) => {
  const { data, response } = await client.messages.create(ask('claude-sonnet-4-5', probe)).withResponse();
  assert.equal(data.content[0].text, answer(probe));
  assert.equal(data.stop_reason, 'end_turn');
  assert.equal(data.usage.input_tokens, 1);
  assert.match(data._request_id, /^req_mock_/);
  if (env.gateway) assert.ok(response.headers.get('llm-request-id'), 'no LLM-Request-Id');
  const [request] = await seen(probe, 1);
  assert.equal(request.header['Anthropic-Version'][0], major === '0' ? '2023-06-01' : '2026-10-21');
});

cell(name, 'beta-headers', async (probe) => {
  let sent;
  const spy = (url, init) => ((sent = { url: String(url), headers: new Headers(init.headers) }), fetch(url, init));
  const c = at('', env.anthropicKey, { fetch: spy });
  const got = await c.beta.messages.create(ask('claude-sonnet-4-5', probe, { betas: ['one-2025-01-01', 'two-2025-02-02'] }));
  assert.equal(got.content[0].text, answer(probe));
  const [request] = await seen(probe, 1);
  assert.equal(request.header['Anthropic-Beta'].join(','), sent.headers.get('anthropic-beta'));
  assert.match(sent.headers.get('anthropic-beta'), /one-2025-01-01, ?two-2025-02-02/);
  assert.equal(request.query, new URL(sent.url).search.slice(1), 'the query (older clients send beta=true)');
  assert.equal(sent.headers.has('x-api-key'), major === '0', 'the header in which this major sends its key');
});

cell(name, 'messages-stream', async (probe) => {
  const { items, error } = await drain(client.messages.create(ask('claude-sonnet-4-5', probe, { stream: true })));
  assert.ifError(error);
  assert.equal(textOf(items), answer(probe));
  assert.equal(items.at(-1).type, 'message_stop');
  const whole = await client.messages.stream(ask('claude-sonnet-4-5', probe)).finalMessage();
  assert.equal(whole.content[0].text, answer(probe));
  assert.equal(whole.usage.input_tokens, 1);
  assert.ok(whole.usage.output_tokens > 1, 'the output tokens of the last event');
  await seen(probe, 2);
});

cell(name, 'stream-live', async (probe) => {
  let text = '';
  for await (const event of await client.messages.create(ask('claude-gate', probe, { stream: true }))) {
    text += event.delta?.text ?? '';
    if (text) await release(probe); // only now may the provider go on
  }
  assert.equal(text, answer(probe));
});

cell(name, 'cancel', async (probe) => {
  for await (const event of await client.messages.create(ask('claude-gate', probe, { stream: true }))) {
    if (event.delta?.text) break; // ends the iteration, which aborts the request
  }
  await gone(probe);
});

cell(name, 'tools', async (probe) => {
  const params = ask('claude-sonnet-4-5', probe, { tools });
  const got = await client.messages.create(params);
  assert.equal(got.stop_reason, 'tool_use');
  assert.deepEqual(got.content.map((b) => b.name), ['weather', 'forecast']);
  assert.deepEqual(got.content[0].input, JSON.parse(toolArguments[0]));
  params.messages.push(
    { role: 'assistant', content: got.content },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: got.content[0].id, content: 'rain in Zürich' }] },
  );
  const next = await client.messages.create(params);
  assert.equal(next.content[0].text, toolAnswer('rain in Zürich'));
});

cell(name, 'tools-stream', async (probe) => {
  const stream = client.messages.stream(ask('claude-sonnet-4-5', probe, { tools }));
  const json = ['', ''];
  stream.on('streamEvent', (e) => {
    if (e.delta?.type === 'input_json_delta') json[e.index] += e.delta.partial_json;
  });
  const whole = await stream.finalMessage();
  assert.deepEqual(json, toolArguments);
  assert.deepEqual(whole.content[0].input, JSON.parse(toolArguments[0]));
});

// A broken stream must end in an error after a part of the text, never quietly.
async function broken(model, probe) {
  const { items, error } = await drain(client.messages.create(ask(model, probe, { stream: true })));
  assert.ok(error, 'the stream ended as if it were whole');
  const text = textOf(items);
  assert.ok(text && answer(probe).startsWith(text), `text before the break: ${text}`);
  return error;
}
cell(name, 'cut', (probe) => broken('claude-cut', probe));
cell(name, 'inband-error', async (probe) => {
  assert.match((await broken('claude-inband', probe)).message, /mock: overloaded in the middle/);
});
gatewayCell(name, 'quiet-end', (probe) => broken('claude-eof', probe));

cell(name, 'count-tokens', async (probe) => {
  const { messages } = ask('', `${probe} and three words`);
  const got = await client.messages.countTokens({ model: 'claude-sonnet-4-5', messages });
  assert.equal(got.input_tokens, 4);
});

const ids = async (key) => (await drain(at('', key).models.list({ limit: 1000 }))).items.map((m) => m.id);
cell(name, 'models', async () => {
  const all = await ids(env.anthropicKey);
  assert.ok(all.includes('claude-sonnet-4-5') && all.includes('claude-haiku-4-5'), `${all}`);
  assert.equal((await client.models.retrieve('claude-haiku-4-5')).id, 'claude-haiku-4-5');
});
gatewayCell(name, 'models-restricted', async () => {
  const all = await ids(env.restrictedKey);
  assert.ok(all.includes('claude-haiku-4-5') && !all.includes('claude-sonnet-4-5') && !all.includes('gpt-4o'), `${all}`);
});

// What the provider says reaches the client unchanged.
async function providerFails(model, probe, Class, status, type, message, headers = {}) {
  for (const stream of [false, true]) {
    const err = await failure(client.messages.create(ask(model, probe, { stream })));
    assert.ok(err instanceof Class, `${err}`);
    assert.deepEqual([err.status, err.error.error.type, err.error.error.message], [status, type, message]);
    assert.match(err.requestID, /^req_mock_/);
    for (const [header, value] of Object.entries(headers)) assert.equal(err.headers.get(header), value, header);
  }
  await seen(probe, 2);
}
cell(name, 'provider-400', (probe) => providerFails('claude-err-400', probe, Anthropic.BadRequestError, 400,
  'invalid_request_error', 'mock: prompt is too long: 210000 tokens > 200000 maximum'));
cell(name, 'provider-429', (probe) => providerFails('claude-err-429', probe, Anthropic.RateLimitError, 429,
  'rate_limit_error', 'mock: too many requests', { 'retry-after': '7', 'anthropic-ratelimit-requests-remaining': '0' }));
cell(name, 'provider-500', (probe) => providerFails('claude-err-500', probe, Anthropic.InternalServerError, 500,
  'api_error', 'mock: the server exploded'));
cell(name, 'provider-529', (probe) => providerFails('claude-err-529', probe, Anthropic.InternalServerError, 529,
  'overloaded_error', 'mock: overloaded'));
cell(name, 'retry', async (probe) => {
  const got = await at('', env.anthropicKey, { maxRetries: 2 }).messages.create(ask('claude-flaky', probe));
  assert.equal(got.content[0].text, answer(probe));
  await seen(probe, 2);
});

// What the gateway refuses never reaches the provider.
async function denied(c, params, Class, status, type, code, message = /./) {
  const err = await failure(c.messages.create(params));
  assert.ok(err instanceof Class, `${err}`);
  assert.deepEqual([err.status, err.error?.type, err.error?.error?.type, err.error?.error?.code], [status, 'error', type, code]);
  assert.match(err.error.error.message, message);
  assert.ok(err.requestID, 'the denial has no request-id');
  return err;
}
gatewayCell(name, 'denied-401', async (probe) => {
  await denied(at('', 'sk-not-a-key-of-this-gateway'), ask('claude-sonnet-4-5', probe), Anthropic.AuthenticationError, 401, 'authentication_error', 'unauthenticated');
  await seen(probe, 0);
});
gatewayCell(name, 'denied-403', async (probe) => {
  await denied(at('', env.restrictedKey), ask('claude-sonnet-4-5', probe), Anthropic.PermissionDeniedError, 403, 'permission_error', 'model_not_allowed');
  await seen(probe, 0);
});
gatewayCell(name, 'denied-404', async (probe) => {
  await denied(client, ask('nobody-has-this', probe), Anthropic.NotFoundError, 404, 'not_found_error', 'model_not_found', /nobody-has-this/);
  await seen(probe, 0);
});
gatewayCell(name, 'denied-422', async (probe) => {
  for (const more of [{ stream: false }, { stream: true }]) {
    await denied(client, ask('claude-sonnet-4-5', `${probe} ${marker}`, more), Anthropic.UnprocessableEntityError, 422, 'invalid_request_error', 'policy_blocked', /this text must not leave/);
  }
  await denied(client, ask('claude-sonnet-4-5', probe, { system: marker }), Anthropic.UnprocessableEntityError, 422, 'invalid_request_error', 'policy_blocked');
  await seen(probe, 0);
});
gatewayCell(name, 'denied-429-rate', async () => {
  const c = at('/limited', env.limitedKey);
  let err;
  for (let i = 0; i < 2 && !err; i++) { // one call an hour: whoever comes first has it
    await c.messages.create(ask('claude-sonnet-4-5', 'hello')).catch((e) => (err = e));
  }
  assert.ok(err instanceof Anthropic.RateLimitError, `${err}`);
  assert.deepEqual([err.error.error.type, err.error.error.code], ['rate_limit_error', 'rate_limited']);
  checkRetryAfter(err.headers.get('retry-after'), 3700);
});
gatewayCell(name, 'denied-429-budget', async (probe) => {
  let calls = 0;
  const counting = (...args) => (calls++, fetch(...args));
  const c = at('/poor', env.limitedKey, { maxRetries: 2, fetch: counting });
  const err = await denied(c, ask('claude-sonnet-4-5', probe), Anthropic.RateLimitError, 429, 'rate_limit_error', 'budget_exceeded');
  checkRetryAfter(err.headers.get('retry-after'), 86400);
  assert.equal(calls, 1, 'the client obeys x-should-retry');
  await seen(probe, 0);
});
gatewayCell(name, 'denied-400', async (probe) => {
  for (const wrong of [{ model: 7 }, { stream: 'yes' }, { max_tokens: 'ten' }, { messages: 'hello' }]) {
    await denied(client, { ...ask('claude-sonnet-4-5', probe), metadata: { user_id: probe }, ...wrong }, Anthropic.BadRequestError, 400, 'invalid_request_error', 'malformed');
  }
  await seen(probe, 0);
});
