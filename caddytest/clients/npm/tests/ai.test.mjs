// Vercel's AI SDK with its own providers for OpenAI (the Responses API, which is
// its default, and chat completions), Anthropic, Google and servers compatible
// with OpenAI.
import assert from 'node:assert/strict';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import * as ai from 'ai';
import { z } from 'zod';
import { answer, cell, checkRetryAfter, env, failure, gatewayCell, gone, majorOf, marker, release, seen } from './harness.mjs';

const major = majorOf('ai');
const steps = ai.isStepCount ?? ai.stepCountIs;
const openai = (prefix, apiKey) => createOpenAI({ baseURL: `${env.url}${prefix}/v1`, apiKey });
const anthropic = (prefix, apiKey) => createAnthropic({ baseURL: `${env.url}${prefix}/v1`, apiKey });

const google = (prefix, apiKey) => createGoogleGenerativeAI({ baseURL: `${env.url}${prefix}/v1beta`, apiKey });
const compatible = (prefix, apiKey) =>
  createOpenAICompatible({ name: 'gateway', baseURL: `${env.url}${prefix}/v1`, apiKey, includeUsage: true });

const kinds = [
  { name: `ai-${major}-responses`, family: 'gpt', key: env.openaiKey, model: (id, prefix, key) => openai(prefix, key)(id) },
  { name: `ai-${major}-chat`, family: 'gpt', key: env.openaiKey, model: (id, prefix, key) => openai(prefix, key).chat(id) },
  { name: `ai-${major}-anthropic`, family: 'claude', key: env.anthropicKey, model: (id, prefix, key) => anthropic(prefix, key)(id) },
  { name: `ai-${major}-google`, family: 'gemini', key: env.googleKey, model: (id, prefix, key) => google(prefix, key)(id) },
  { name: `ai-${major}-compatible`, family: 'gpt', key: env.openaiKey, model: (id, prefix, key) => compatible(prefix, key)(id) },
];
const goodModel = { gpt: 'gpt-4o-mini', claude: 'claude-sonnet-4-5', gemini: 'gemini-2.5-pro' };
const forbiddenModel = { gpt: 'gpt-4o', claude: 'claude-sonnet-4-5', gemini: 'gemini-2.5-pro' };

// read drains a streamed text: its text, its usage, and the error in it, if any.
async function read(options, onText) {
  let failed;
  const result = ai.streamText({ maxRetries: 0, onError: ({ error }) => (failed = error), ...options });
  const out = { text: '', calls: [], types: [] };
  try {
    for await (const part of result.fullStream) {
      out.types.push(part.type);
      if (part.type === 'text-delta') {
        out.text += part.text;
        await onText?.(out.text);
      }
      if (part.type === 'tool-call') out.calls.push(part);
      if (part.type === 'error') failed = part.error;
      if (part.type === 'finish') out.finish = part;
    }
  } catch (error) {
    failed = error;
  }
  if (failed) out.error = failed;
  return out;
}

for (const { name, family, key, model } of kinds) {
  const good = goodModel[family];
  const forbidden = forbiddenModel[family];
  const of = (id) => model(id, '', key);
  const generate = (m, prompt, more) => ai.generateText({ model: m, prompt, maxRetries: 0, ...more });

  cell(name, 'text', async (probe) => {
    const got = await generate(of(good), probe);
    assert.equal(got.text, answer(probe));
    assert.equal(got.finishReason, 'stop');
    assert.equal(got.usage.inputTokens, 1);
    assert.match(got.response.headers[family === 'claude' ? 'request-id' : 'x-request-id'], /^req_mock_/);
    await seen(probe, 1);
  });

  cell(name, 'stream', async (probe) => {
    const got = await read({ model: of(good), prompt: probe });
    assert.ifError(got.error);
    assert.equal(got.text, answer(probe));
    assert.equal(got.finish.finishReason, 'stop');
    assert.equal(got.finish.totalUsage.inputTokens, 1);
    assert.ok(got.finish.totalUsage.outputTokens > 1);
    await seen(probe, 1);
  });

  cell(name, 'stream-live', async (probe) => {
    const got = await read({ model: of(`${family}-gate`), prompt: probe }, () => release(probe));
    assert.ifError(got.error);
    assert.equal(got.text, answer(probe));
  });

  cell(name, 'cancel', async (probe) => {
    const abort = new AbortController();
    const got = await read({ model: of(`${family}-gate`), prompt: probe, abortSignal: abort.signal }, () => abort.abort());
    assert.ok(!got.types.includes('finish'), `${got.types}`);
    await gone(probe);
  });

  const weather = ai.tool({
    description: 'the weather of a city', inputSchema: z.object({ city: z.string(), days: z.number() }),
    execute: async ({ city, days }) => `rain in ${city} for ${days} days`,
  });

  cell(name, 'tools', async (probe) => {
    const got = await generate(of(good), probe, { tools: { weather }, stopWhen: steps(3) });
    assert.equal(got.steps.length, 2);
    assert.deepEqual(got.steps[0].toolCalls[0].input, { city: 'Zürich', days: 3 });
    assert.match(got.text, /^The tool said: .*rain in Zürich for 3 days/);
  });

  cell(name, 'tools-stream', async (probe) => {
    const got = await read({ model: of(good), prompt: probe, tools: { weather }, stopWhen: steps(3) });
    assert.ifError(got.error);
    assert.deepEqual(got.calls.map((c) => c.input), [{ city: 'Zürich', days: 3 }]);
    assert.match(got.text, /^The tool said: .*rain in Zürich for 3 days/);
  });

  // A broken stream must end in an error after a part of the text, never quietly.
  const broken = async (id, probe) => {
    const got = await read({ model: of(id), prompt: probe });
    assert.ok(got.error, `the stream ended as if it were whole: ${got.types}, ${JSON.stringify(got.finish)}`);
    assert.ok(got.text && answer(probe).startsWith(got.text), `text before the break: ${got.text}`);
  };
  cell(name, 'cut', (probe) => broken(`${family}-cut`, probe));
  cell(name, 'inband-error', (probe) => broken(`${family}-inband`, probe));
  gatewayCell(name, 'quiet-end', (probe) => broken(`${family}-eof`, probe));

  // What the provider says reaches the client unchanged.
  const providerFails = async (id, probe, status, message) => {
    const one = await failure(generate(of(id), probe));
    const two = (await read({ model: of(id), prompt: probe })).error;
    for (const err of [one, two]) {
      assert.ok(ai.APICallError.isInstance(err), `${err}`);
      assert.equal(err.statusCode, status);
      assert.equal(err.message, message);
    }
    await seen(probe, 2);
    return one;
  };
  cell(name, 'provider-400', (probe) => providerFails(`${family}-err-400`, probe, 400, 'mock: prompt is too long: 210000 tokens > 200000 maximum'));
  cell(name, 'provider-429', async (probe) => {
    const err = await providerFails(`${family}-err-429`, probe, 429, 'mock: too many requests');
    assert.equal(err.responseHeaders['retry-after'], '7');
  });
  cell(name, 'provider-500', (probe) => providerFails(`${family}-err-500`, probe, 500, 'mock: the server exploded'));
  cell(name, 'retry', async (probe) => {
    const got = await generate(of(`${family}-flaky`), probe, { maxRetries: 2 });
    assert.equal(got.text, answer(probe));
    await seen(probe, 2);
  });

  // What the gateway refuses never reaches the provider.
  const denied = async (m, prompt, status, code) => {
    const err = await failure(generate(m, prompt));
    assert.ok(ai.APICallError.isInstance(err), `${err}`);
    assert.equal(err.statusCode, status);
    const body = JSON.parse(err.responseBody);
    assert.equal({ gpt: body.error.code, claude: body.error.type, gemini: body.error.status }[family], code);
    assert.equal(err.message, body.error.message, 'the client understood the envelope');
    return err;
  };
  const code = (openai, anthropic, google) => ({ gpt: openai, claude: anthropic, gemini: google })[family];
  gatewayCell(name, 'denied-401', async (probe) => {
    await denied(model(good, '', 'sk-not-a-key-of-this-gateway'), probe, 401, code('unauthenticated', 'authentication_error', 'UNAUTHENTICATED'));
    await seen(probe, 0);
  });
  gatewayCell(name, 'denied-403', async (probe) => {
    await denied(model(forbidden, '', env.restrictedKey), probe, 403, code('model_not_allowed', 'permission_error', 'PERMISSION_DENIED'));
    await seen(probe, 0);
  });
  gatewayCell(name, 'denied-404', async (probe) => {
    await denied(of('nobody-has-this'), probe, 404, code('model_not_found', 'not_found_error', 'NOT_FOUND'));
    await seen(probe, 0);
  });
  gatewayCell(name, 'denied-422', async (probe) => {
    await denied(of(good), `${probe} ${marker}`, 422, code('policy_blocked', 'invalid_request_error', 'INVALID_ARGUMENT'));
    const got = await read({ model: of(good), prompt: `${probe} ${marker}` });
    assert.equal(got.error.statusCode, 422);
    await seen(probe, 0);
  });
  gatewayCell(name, 'denied-429-rate', async () => {
    const m = model(good, '/limited', env.limitedKey);
    let err;
    for (let i = 0; i < 2 && !err; i++) { // one call an hour: whoever comes first has it
      await generate(m, 'hello').catch((e) => (err = e));
    }
    assert.equal(err?.statusCode, 429);
    assert.equal(err.isRetryable, true);
    checkRetryAfter(err.responseHeaders['retry-after'], 3700);
  });
  gatewayCell(name, 'denied-429-budget', async (probe) => {
    const err = await denied(model(good, '/poor', env.limitedKey), probe, 429, code('budget_exceeded', 'rate_limit_error', 'RESOURCE_EXHAUSTED'));
    assert.equal(err.responseHeaders['x-should-retry'], 'false');
    checkRetryAfter(err.responseHeaders['retry-after'], 86400);
    await seen(probe, 0);
  });
}

const embedders = {
  responses: openai('', env.openaiKey).embedding('text-embedding-3-small'),
  google: google('', env.googleKey).embedding('gemini-embedding-001'),
};
for (const [kind, m] of Object.entries(embedders)) cell(`ai-${major}-${kind}`, 'embeddings', async (probe) => {
  const one = await ai.embed({ model: m, value: probe, maxRetries: 0 });
  const many = await ai.embedMany({ model: m, values: ['Zürich', probe], maxRetries: 0 });
  assert.equal(one.embedding.length, 8);
  assert.deepEqual(one.embedding, many.embeddings[1]);
  if (kind !== 'google') assert.equal(one.usage.tokens, 1); // that provider's client does not tell
});
