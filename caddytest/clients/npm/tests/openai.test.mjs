// OpenAI's official JavaScript client.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import {
  answer, cell, checkRetryAfter, drain, env, failure, gatewayCell, gone, majorOf, marker, release, seen, toolAnswer, toolArguments,
} from './harness.mjs';

const name = `openai-js-${majorOf('openai')}`;
const at = (prefix, apiKey, more) => new OpenAI({ baseURL: `${env.url}${prefix}/v1`, apiKey, maxRetries: 0, ...more });
const client = at('', env.openaiKey);
const ask = (model, content, more) => ({ model, messages: [{ role: 'user', content }], ...more });
const tools = ['weather', 'forecast'].map((name) => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
}));
const textOf = (chunks) => chunks.map((c) => c.choices[0]?.delta.content ?? '').join('');

cell(name, 'chat', async (probe) => {
  const { data, response } = await client.chat.completions.create(ask('gpt-4o-mini', probe)).withResponse();
  assert.equal(data.choices[0].message.content, answer(probe));
  assert.equal(data.choices[0].finish_reason, 'stop');
  assert.equal(data.usage.prompt_tokens, 1);
  assert.match(data._request_id, /^req_mock_/);
  if (env.gateway) assert.ok(response.headers.get('llm-request-id'), 'no LLM-Request-Id');
  await seen(probe, 1);
});

cell(name, 'chat-stream', async (probe) => {
  const { items, error } = await drain(
    client.chat.completions.create(ask('gpt-4o-mini', probe, { stream: true, stream_options: { include_usage: true } })),
  );
  assert.ifError(error);
  assert.equal(textOf(items), answer(probe));
  assert.deepEqual(items.at(-1).choices, []);
  assert.equal(items.at(-1).usage.prompt_tokens, 1);
  await seen(probe, 1);
});

cell(name, 'usage-hidden', async (probe) => {
  const { items, error } = await drain(client.chat.completions.create(ask('gpt-4o-mini', probe, { stream: true })));
  assert.ifError(error);
  assert.equal(textOf(items), answer(probe));
  for (const chunk of items) {
    assert.ok(!chunk.usage && chunk.choices.length === 1, `usage that nobody asked for: ${JSON.stringify(chunk)}`);
  }
});

cell(name, 'stream-helper', async (probe) => {
  const stream = client.chat.completions.stream(ask('gpt-4o-mini', probe));
  let text = '';
  stream.on('content', (delta) => (text += delta));
  const whole = await stream.finalChatCompletion();
  assert.equal(text, answer(probe));
  assert.equal(whole.choices[0].message.content, answer(probe));
  assert.equal(await stream.totalUsage().then((u) => u.total_tokens), 0, 'the helper does not ask for usage');
});

cell(name, 'stream-live', async (probe) => {
  let text = '';
  for await (const chunk of await client.chat.completions.create(ask('gpt-gate', probe, { stream: true }))) {
    text += chunk.choices[0].delta.content ?? '';
    if (text) await release(probe); // only now may the provider go on
  }
  assert.equal(text, answer(probe));
});

cell(name, 'cancel', async (probe) => {
  const stream = await client.chat.completions.create(ask('gpt-gate', probe, { stream: true }));
  for await (const chunk of stream) {
    if (chunk.choices[0].delta.content) break; // ends the iteration, which aborts the request
  }
  await gone(probe);
});

cell(name, 'tools', async (probe) => {
  const params = ask('gpt-4o-mini', probe, { tools });
  const { message, finish_reason } = (await client.chat.completions.create(params)).choices[0];
  assert.equal(finish_reason, 'tool_calls');
  assert.deepEqual(message.tool_calls.map((c) => [c.function.name, c.function.arguments]), [
    ['weather', toolArguments[0]], ['forecast', toolArguments[1]],
  ]);
  params.messages.push(message, ...message.tool_calls.map((c) => ({ role: 'tool', tool_call_id: c.id, content: 'rain in Zürich' })));
  const next = await client.chat.completions.create(params);
  assert.equal(next.choices[0].message.content, toolAnswer('rain in Zürich'));
});

cell(name, 'tools-stream', async (probe) => {
  const whole = await client.chat.completions.stream(ask('gpt-4o-mini', probe, { tools })).finalChatCompletion();
  assert.deepEqual(whole.choices[0].message.tool_calls.map((c) => c.function.arguments), toolArguments);
});

// A broken stream must end in an error after a part of the text, never quietly.
async function broken(model, probe) {
  const { items, error } = await drain(client.chat.completions.create(ask(model, probe, { stream: true })));
  assert.ok(error, 'the stream ended as if it were whole');
  const text = textOf(items);
  assert.ok(text && answer(probe).startsWith(text), `text before the break: ${text}`);
  return error;
}
cell(name, 'cut', (probe) => broken('gpt-cut', probe));
cell(name, 'inband-error', async (probe) => {
  assert.match((await broken('gpt-inband', probe)).message, /mock: overloaded in the middle/);
});
gatewayCell(name, 'quiet-end', (probe) => broken('gpt-eof', probe));

cell(name, 'responses', async (probe) => {
  const got = await client.responses.create({ model: 'gpt-4o-mini', input: probe });
  assert.equal(got.output_text, answer(probe));
  assert.equal(got.usage.input_tokens, 1);
  await seen(probe, 1);
});

cell(name, 'responses-stream', async (probe) => {
  const { items, error } = await drain(client.responses.create({ model: 'gpt-4o-mini', input: probe, stream: true }));
  assert.ifError(error);
  const deltas = items.filter((e) => e.type === 'response.output_text.delta').map((e) => e.delta);
  assert.equal(deltas.join(''), answer(probe));
  assert.equal(items.at(-1).type, 'response.completed');
  assert.equal(items.at(-1).response.usage.input_tokens, 1);
  const whole = await client.responses.stream({ model: 'gpt-4o-mini', input: probe }).finalResponse();
  assert.equal(whole.output_text, answer(probe));
});

cell(name, 'responses-tools', async (probe) => {
  const params = { model: 'gpt-4o-mini', input: probe, tools: [{ ...tools[0].function, type: 'function', strict: false }] };
  const got = await client.responses.create(params);
  assert.deepEqual([got.output[0].name, got.output[0].arguments], ['weather', toolArguments[0]]);
  const whole = await client.responses.stream(params).finalResponse();
  assert.equal(whole.output[0].arguments, toolArguments[0]);
});

// A break of a Responses stream may be an error of the stream or an event that
// says so; it must not look whole.
async function brokenResponse(model, probe) {
  const { items, error } = await drain(client.responses.create({ model, input: probe, stream: true }));
  const last = items.at(-1)?.type;
  assert.ok(error || last === 'response.failed' || last === 'error', `the stream ended quietly, after ${last}`);
  assert.ok(items.some((e) => e.type === 'response.output_text.delta'), 'no text came before the break');
}
cell(name, 'responses-cut', (probe) => brokenResponse('gpt-cut', probe));
cell(name, 'responses-inband-error', (probe) => brokenResponse('gpt-inband', probe));
gatewayCell(name, 'responses-quiet-end', (probe) => brokenResponse('gpt-eof', probe));

cell(name, 'embeddings-float', async (probe) => {
  const [plain, decoded] = await Promise.all(
    ['float', undefined].map((encoding_format) =>
      client.embeddings.create({ model: 'text-embedding-3-small', input: [probe, 'Zürich'], encoding_format })),
  );
  assert.equal(plain.data[0].embedding.length, 8);
  assert.deepEqual(plain.data, decoded.data);
  assert.equal(plain.usage.prompt_tokens, 2);
});

cell(name, 'embeddings-base64', async (probe) => {
  const got = await client.embeddings.create({ model: 'text-embedding-3-small', input: [probe, probe] });
  const [request] = await seen(probe, 1);
  assert.equal(JSON.parse(request.body).encoding_format, 'base64', 'what this client asks for by default');
  assert.deepEqual(got.data[0].embedding, got.data[1].embedding);
  assert.ok(got.data[0].embedding.every((v) => Number.isInteger(v * 256)), `${got.data[0].embedding}`);
});

cell(name, 'completions', async (probe) => {
  const got = await client.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: probe });
  assert.equal(got.choices[0].text, answer(probe));
});

cell(name, 'completions-stream', async (probe) => {
  for (const asked of [false, true]) {
    const { items, error } = await drain(client.completions.create({
      model: 'gpt-3.5-turbo-instruct', prompt: probe, stream: true, ...(asked && { stream_options: { include_usage: true } }),
    }));
    assert.ifError(error);
    assert.equal(items.map((c) => c.choices[0]?.text ?? '').join(''), answer(probe));
    assert.equal(items.some((c) => c.usage), asked);
  }
});

const ids = async (key) => (await drain(at('', key).models.list())).items.map((m) => m.id);
cell(name, 'models', async () => {
  const all = await ids(env.openaiKey);
  assert.ok(all.includes('gpt-4o') && all.includes('gpt-4o-mini'), `${all}`);
  assert.equal((await client.models.retrieve('gpt-4o-mini')).id, 'gpt-4o-mini');
});
gatewayCell(name, 'models-restricted', async () => {
  const all = await ids(env.restrictedKey);
  assert.ok(all.includes('gpt-4o-mini') && !all.includes('gpt-4o') && !all.includes('claude-sonnet-4-5'), `${all}`);
});

// What the provider says reaches the client unchanged.
async function providerFails(model, probe, Class, want) {
  for (const stream of [false, true]) {
    const err = await failure(client.chat.completions.create(ask(model, probe, { stream })));
    assert.ok(err instanceof Class, `${err}`);
    const { status, code, type } = err;
    assert.deepEqual({ status, code, type }, want.error);
    assert.match(err.message, want.message);
    assert.match(err.requestID, /^req_mock_/);
    for (const [header, value] of Object.entries(want.headers ?? {})) assert.equal(err.headers.get(header), value, header);
  }
  await seen(probe, 2);
}
cell(name, 'provider-400', (probe) => providerFails('gpt-err-400', probe, OpenAI.BadRequestError, {
  error: { status: 400, code: 'mock_bad_request', type: 'invalid_request_error' },
  message: /mock: prompt is too long: 210000 tokens > 200000 maximum/,
}));
cell(name, 'provider-429', (probe) => providerFails('gpt-err-429', probe, OpenAI.RateLimitError, {
  error: { status: 429, code: 'mock_rate_limit', type: 'rate_limit_error' }, message: /mock: too many requests/,
  headers: { 'retry-after': '7', 'x-ratelimit-remaining-requests': '0' },
}));
cell(name, 'provider-500', (probe) => providerFails('gpt-err-500', probe, OpenAI.InternalServerError, {
  error: { status: 500, code: 'mock_server_error', type: 'api_error' }, message: /mock: the server exploded/,
}));
cell(name, 'retry', async (probe) => {
  const got = await at('', env.openaiKey, { maxRetries: 2 }).chat.completions.create(ask('gpt-flaky', probe));
  assert.equal(got.choices[0].message.content, answer(probe));
  await seen(probe, 2);
});

// What the gateway refuses never reaches the provider.
async function denied(c, params, Class, status, code, message = /./) {
  const err = await failure(c.chat.completions.create(params));
  assert.ok(err instanceof Class, `${err}`);
  assert.deepEqual([err.status, err.code], [status, code]);
  assert.match(err.message, message);
  assert.ok(err.requestID, 'the denial has no x-request-id');
  return err;
}
gatewayCell(name, 'denied-401', async (probe) => {
  await denied(at('', 'sk-not-a-key-of-this-gateway'), ask('gpt-4o-mini', probe), OpenAI.AuthenticationError, 401, 'unauthenticated');
  await seen(probe, 0);
});
gatewayCell(name, 'denied-403', async (probe) => {
  await denied(at('', env.restrictedKey), ask('gpt-4o', probe), OpenAI.PermissionDeniedError, 403, 'model_not_allowed');
  await seen(probe, 0);
});
gatewayCell(name, 'denied-404', async (probe) => {
  await denied(client, ask('nobody-has-this', probe), OpenAI.NotFoundError, 404, 'model_not_found', /nobody-has-this/);
  await seen(probe, 0);
});
gatewayCell(name, 'denied-422', async (probe) => {
  for (const stream of [false, true]) {
    await denied(client, ask('gpt-4o-mini', `${probe} ${marker}`, { stream }), OpenAI.UnprocessableEntityError, 422, 'policy_blocked', /this text must not leave/);
  }
  const err = await failure(client.responses.create({ model: 'gpt-4o-mini', input: `${probe} ${marker}`, stream: true }));
  assert.deepEqual([err.status, err.code], [422, 'policy_blocked']);
  await seen(probe, 0);
});
gatewayCell(name, 'denied-429-rate', async () => {
  const c = at('/limited', env.limitedKey);
  let err;
  for (let i = 0; i < 2 && !err; i++) { // one call an hour: whoever comes first has it
    await c.chat.completions.create(ask('gpt-4o-mini', 'hello')).catch((e) => (err = e));
  }
  assert.ok(err instanceof OpenAI.RateLimitError, `${err}`);
  assert.equal(err.code, 'rate_limited');
  checkRetryAfter(err.headers.get('retry-after'), 3700);
});
gatewayCell(name, 'denied-429-budget', async (probe) => {
  let calls = 0;
  const counting = (...args) => (calls++, fetch(...args));
  const c = at('/poor', env.limitedKey, { maxRetries: 2, fetch: counting });
  const err = await denied(c, ask('gpt-4o-mini', probe), OpenAI.RateLimitError, 429, 'budget_exceeded');
  checkRetryAfter(err.headers.get('retry-after'), 86400);
  assert.equal(calls, 1, 'the client obeys x-should-retry');
  await seen(probe, 0);
});
gatewayCell(name, 'denied-400', async (probe) => {
  for (const wrong of [{ model: 7 }, { stream: 'yes' }, { max_tokens: 'ten' }, { messages: 'hello' }]) {
    await denied(client, { ...ask('gpt-4o-mini', probe), metadata: { probe }, ...wrong }, OpenAI.BadRequestError, 400, 'malformed');
  }
  await seen(probe, 0);
});
